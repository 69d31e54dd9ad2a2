// SPDX-License-Identifier: ISC
// undici.js LIST PARALLEL CA: fetches the list with node's undici, prints how
// many answers of status 200 came and how many bytes their bodies had.
"use strict";
const fs = require("fs");
const { Agent, request } = require("/usr/share/nodejs/undici");

const [list, parallel, ca] = process.argv.slice(2);
const dispatcher = new Agent({
	connections: Number(parallel),
	connect: { ca: fs.readFileSync(ca) },
});
const urls = fs.readFileSync(list, "ascii").split("\n").filter(Boolean);
let next = 0, count = 0, bytes = 0;

async function worker() {
	while (next < urls.length) {
		const { statusCode, body } = await request(urls[next++],
		    { dispatcher });
		for await (const chunk of body)
			bytes += chunk.length;
		if (statusCode === 200)
			count++;
	}
}

Promise.all(Array.from({ length: Number(parallel) }, worker))
	.then(() => { console.log(count, bytes); process.exit(0); });
