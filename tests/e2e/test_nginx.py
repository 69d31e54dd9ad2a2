# SPDX-License-Identifier: ISC
"""Against a real server, as a user would meet it."""
import json


def test_a_page_over_http_and_https(fetchd, nginx):
    res = fetchd(stdin=[nginx.url("/page.html"),
                        nginx.tls_url("/page.html")])
    for r in res.records:
        assert r["status_code"] == 200 and r["body"] == nginx.page
        assert r["content_type"] == "text/html" and r["charset"] == "utf-8"
        assert r["size_decoded"] == len(nginx.page)
        assert r["size_download"] < r["size_decoded"], "it came packed"
    assert res.by(2)["tls_verified"] is True


def test_plain_pages_when_packing_is_off(fetchd, nginx):
    rec = fetchd("--no-compressed", nginx.url("/page.html")).one
    assert rec["size_download"] == rec["size_decoded"] == len(nginx.page)
    assert rec["content_length"] == len(nginx.page)


def test_a_large_binary_file(fetchd, nginx):
    import base64
    for url in (nginx.url("/big.bin"), nginx.tls_url("/big.bin")):
        rec = fetchd(url).one
        assert base64.b64decode(rec["body_base64"]) == nginx.big


def test_two_thousand_pages_over_kept_connections(fetchd, nginx):
    """nginx closes each connection after 100 requests."""
    n = 2000
    res = fetchd("-c", "16", "--stats", stdin=[
        nginx.tls_url(f"/small.txt?{i}") for i in range(n)], timeout=100)
    assert res.statuses() == [200] * n
    assert {r["body"] for r in res.records} == {"small\n"}
    assert {r["num_attempts"] for r in res.records} == {1}
    assert res.stats["conns_opened"] <= 60


def test_statuses_of_all_kinds(fetchd, nginx):
    res = fetchd("-c", "1", "--no-location", "--include-headers", stdin=[
        nginx.url("/nope"), nginx.url("/teapot"), nginx.url("/moved"),
        nginx.url("/small.txt")])
    assert res.statuses() == [404, 418, 301, 200]
    assert res.by(3)["location"] == nginx.url("/page.html")
    assert res.by(4)["header"]["server"][0].startswith("nginx")


def test_a_redirect_of_nginx_is_followed(fetchd, nginx):
    rec = fetchd(nginx.url("/moved")).one
    assert rec["status_code"] == 200 and rec["num_redirects"] == 1
    assert rec["final_url"] == nginx.url("/page.html")


def test_posts_and_heads(fetchd, nginx):
    res = fetchd("-c", "1", stdin=[
        dict(url=nginx.url("/post"), body="x" * 5000),
        dict(url=nginx.url("/small.txt"), method="HEAD")])
    assert res.by(1)["body"] == "POST 5000"
    assert res.by(2)["body"] == "" and res.by(2)["content_length"] == 6


def test_a_server_that_closes_after_each_answer(fetchd, nginx):
    res = fetchd("-c", "4", stdin=[nginx.url("/one")] * 100)
    assert res.statuses() == [200] * 100
    assert not any(r["conn_reused"] for r in res.records)


def test_plain_http_spoken_to_its_tls_port(fetchd, nginx):
    rec = fetchd(nginx.tls_url("/").replace("https", "http")).one
    assert rec["status_code"] == 400


def test_tls_spoken_to_its_plain_port_is_tls_not_tls(fetchd, nginx):
    rec = fetchd(nginx.url("/").replace("http", "https")).one
    assert rec["error"] == "tls_not_tls"


def test_the_readme_recipe_of_a_list_and_an_output_file(fetchd, nginx,
                                                        tmp_path):
    (tmp_path / "urls.txt").write_text("".join(
        nginx.url(f"/small.txt?{i}") + "\n" for i in range(300)))
    res = fetchd(tmp_path / "urls.txt", "-c", "100", "-o",
                 tmp_path / "out.jsonl")
    assert res.exit == 0
    recs = [json.loads(x) for x in
            (tmp_path / "out.jsonl").read_text().splitlines()]
    assert len(recs) == 300 and {r["status_code"] for r in recs} == {200}
