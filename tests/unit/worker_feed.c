/* SPDX-License-Identifier: ISC */
/* Links and titles of feeds and sitemaps. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "worker/feed.h"
#include "worker/links.h"
#include "worker/title.h"
#include "worker_page.h"

static struct link_writer links;
static struct buf scratch;

static void
check(const char *type, const char *body, const char *want)
{
	struct answer a;

	page_start(&a, type, body);
	links_write(&links, &page.doc, &a);
	assert_false(a.full);
	page_check(body, want);
}

static void
check_title(const char *body, const char *want)
{
	struct answer a;

	page_start(&a, "application/xml", body);
	title_write(&page.doc, &scratch, &a);
	page_check(body, want);
}

#define LINK(url, text, rel) \
	"{\"url\":\"" url "\",\"text\":\"" text "\",\"rel\":" rel "}"

static const char rss[] =
    "<?xml version='1.0'?>"
    "<rss version='2.0' xmlns:a='http://www.w3.org/2005/Atom'>"
    "<channel><title>The  feed</title><link>http://h/</link>"
    "<a:link rel='self' href='/feed'/>"
    "<image><title>i</title><link>http://image/</link></image>"
    "<item><link> http://h/1 \n</link><title>One &amp; more</title></item>"
    "<item><title>Two</title><guid>http://h/2</guid>"
    "<enclosure url='/2.mp3' type='audio/mpeg'/></item>"
    "<item><guid isPermaLink='false'>http://h/3</guid></item>"
    "<item><title><![CDATA[Four]]></title><link>/4</link>"
    "<guid>http://h/no</guid></item>"
    "</channel></rss>";

static void
rss_has_its_items(void **state)
{
	(void)state;
	check("application/rss+xml", rss,
	    "[" LINK("http://h/", "The feed", "null") "," LINK(
		"http://example.com/feed", "The feed",
		"\"self\"") "," LINK("http://h/1", "One & more",
		"null") "," LINK("http://h/2", "Two",
		"null") "," LINK("http://example.com/2.mp3", "Two",
		"\"enclosure\"") "," LINK("http://example.com/4", "Four",
		"null") "]");
	check_title(rss, "\"The feed\"");
}

static void
an_empty_link_leaves_it_to_the_guid(void **state)
{
	(void)state;
	check("application/rss+xml",
	    "<rss><channel><link/><item><link/><guid>http://h/1</guid></item>"
	    "<item><link> </link><guid>http://h/2</guid></item>"
	    "<item><link/><link>/3</link><guid>http://h/no</guid></item>"
	    "</channel></rss>",
	    "[" LINK("http://h/1", "", "null") "," LINK("http://h/2", "",
		"null") "," LINK("http://example.com/3", "", "null") "]");
}

static const char rdf[] =
    "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'"
    " xmlns='http://purl.org/rss/1.0/'>"
    "<channel rdf:about='x'><title>Feed</title><link>http://h/</link></channel>"
    "<item rdf:about='y'><title>One</title><link>http://h/1</link></item>"
    "</rdf:RDF>";

static void
rss_1_has_its_items_beside_the_channel(void **state)
{
	(void)state;
	check("application/xml", rdf,
	    "[" LINK("http://h/", "Feed", "null") "," LINK(
		"http://h/1", "One", "null") "]");
	check_title(rdf, "\"Feed\"");
	/* An undeclared prefix. */
	check("application/xml",
	    "<rdf:RDF><item><title>t</title><link>/x</link></item></rdf:RDF>",
	    "[" LINK("http://example.com/x", "t", "null") "]");
}

static const char atom[] =
    "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='http://h/a/'>"
    "<title type='html'>&lt;b>Feed</title>"
    "<link rel='self' href='feed.atom'/>"
    "<entry xml:base='b/'><title>One</title><link href='1'/>"
    "<link rel='alternate' xml:base='/c/' href='2'/></entry>"
    "<entry><title>Two</title><link href='../3'/></entry>"
    "<entry><link href='mailto:x@y'/></entry>"
    "</feed>";

static void
atom_has_its_links_by_xml_base(void **state)
{
	(void)state;
	check("application/atom+xml", atom,
	    "[" LINK("http://h/a/feed.atom", "<b>Feed", "\"self\"") "," LINK(
		"http://h/a/b/1", "One", "null") "," LINK("http://h/c/2", "One",
		"\"alternate\"") "," LINK("http://h/3", "Two", "null") "]");
	check_title(atom, "\"<b>Feed\"");
}

/* Extensions have titles, too, often before that of the entry. */
static void
the_title_is_the_feeds_own(void **state)
{
	static const char media[] =
	    "<feed xmlns:m='http://search.yahoo.com/mrss/'"
	    " xmlns='http://www.w3.org/2005/Atom'>"
	    "<m:title>no</m:title><title>Feed</title>"
	    "<entry><m:title>no</m:title><title>One</title>"
	    "<link href='/1'/></entry></feed>";
	static const char prefixed[] =
	    "<a:feed xmlns:a='http://www.w3.org/2005/Atom'>"
	    "<title>no</title><a:title>Feed</a:title></a:feed>";
	static const char undeclared[] =
	    "<rss><channel><itunes:title>no</itunes:title><title>Feed</title>"
	    "</channel></rss>";
	static const char only[] =
	    "<rss xmlns:dc='http://purl.org/dc/elements/1.1/'>"
	    "<channel><dc:title>Feed</dc:title></channel></rss>";

	(void)state;
	check("application/atom+xml", media,
	    "[" LINK("http://example.com/1", "One", "null") "]");
	check_title(media, "\"Feed\"");
	check_title(prefixed, "\"Feed\"");
	check_title(undeclared, "\"Feed\"");
	check_title(only, "\"Feed\"");
}

static void
sitemaps_have_their_locations(void **state)
{
	(void)state;
	check("application/xml",
	    "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>"
	    "<url><loc>\n http://h/?a=1&amp;b=2 "
	    "</loc><lastmod>x</lastmod></url>"
	    "<url><loc>http://h/2</loc></url><url/></urlset>",
	    "[" LINK("http://h/?a=1&b=2", "", "null") "," LINK(
		"http://h/2", "", "null") "]");
	check("text/xml",
	    "<sitemapindex><sitemap><loc>http://h/s.xml</loc></sitemap>"
	    "</sitemapindex>",
	    "[" LINK("http://h/s.xml", "", "null") "]");
	check_title("<urlset><url/></urlset>", "null");
}

static void
other_xml_is_read_as_a_page(void **state)
{
	(void)state;
	check("text/xml", "<x><a href='1'>t</a><link>http://h/</link></x>",
	    "[" LINK("http://example.com/dir/1", "t", "null") "]");
	check("text/xml", "<rss><channel/></rss>", "[]");
	check("text/xml", "<rss>", "[]");
	check("text/xml", "<rss><channel><item><link>", "[]");
	check("text/html", rss + strlen("<?xml version='1.0'?>"), "[]");
	buf_fini(&scratch);
	link_writer_fini(&links);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rss_has_its_items),
		cmocka_unit_test(an_empty_link_leaves_it_to_the_guid),
		cmocka_unit_test(rss_1_has_its_items_beside_the_channel),
		cmocka_unit_test(atom_has_its_links_by_xml_base),
		cmocka_unit_test(the_title_is_the_feeds_own),
		cmocka_unit_test(sitemaps_have_their_locations),
		cmocka_unit_test(other_xml_is_read_as_a_page),
	};

	return cmocka_run_group_tests(tests, page_setup, page_teardown);
}
