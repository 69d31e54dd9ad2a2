/* SPDX-License-Identifier: ISC */
/*
 * Translates a selector to XPath: css_lex and css_parse read it, css_write and
 * css_pseudo write it.
 */
#include "worker/select/css.h"

#include "base/utf8.h"
#include "worker/select/css_int.h"

int
css_to_xpath(struct span selector, enum css_language language,
    struct buf *xpath, struct buf *why)
{
	struct css c = { .why = why };
	struct css_selector *list = NULL;
	size_t before = xpath->n;
	int rc;

	if (selector.n > CSS_SELECTOR_MAX)
		return css_fail(&c, "longer than %d bytes", CSS_SELECTOR_MAX);
	if (utf8_valid(selector) != selector.n)
		return css_fail(&c, "it is not UTF-8");
	rc = css_parse(&c, selector, &list);
	if (rc == 0)
		rc = css_write(&c, list, language, xpath);
	if (rc < 0)
		xpath->n = before;
	css_free_all(&c);
	return rc;
}
