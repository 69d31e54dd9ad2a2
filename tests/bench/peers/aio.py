#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""aio.py LIST PARALLEL CA: fetches the list with aiohttp, prints how many
answers of status 200 came and how many bytes their bodies had."""

import asyncio
import ssl
import sys

import aiohttp


async def worker(session, urls, total):
    for url in urls:
        async with session.get(url) as answer:
            body = await answer.read()
            if answer.status == 200:
                total[0] += 1
                total[1] += len(body)


async def main(path, parallel, cafile):
    total = [0, 0]
    tls = ssl.create_default_context(cafile=cafile)
    connector = aiohttp.TCPConnector(limit=parallel, ssl=tls)
    with open(path, encoding="ascii") as f:
        urls = (line.strip() for line in f)
        async with aiohttp.ClientSession(connector=connector) as session:
            await asyncio.gather(*(worker(session, urls, total)
                                   for _ in range(parallel)))
    print(*total)


asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
