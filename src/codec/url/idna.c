/* SPDX-License-Identifier: ISC */
/*
 * Maps labels with libidn2, which follows IDNA2008, and works around it where
 * browsers allow more.
 */
#include "codec/url/idna.h"

#include <idn2.h>
#include <stdint.h>
#include <string.h>

/* RFC 3492 section 5. */
#define PUNY_BASE 36
#define PUNY_TMIN 1
#define PUNY_TMAX 26
#define PUNY_SKEW 38
#define PUNY_DAMP 700
#define PUNY_BIAS 72
#define PUNY_FIRST 0x80

int
url_idna_has_prefix(struct span label)
{
	return span_istarts(label, SPAN("xn--"));
}

/* ---- A-labels ---- */

static uint32_t
adapt(uint32_t delta, uint32_t points, int is_first)
{
	uint32_t k = 0;

	delta = is_first ? delta / PUNY_DAMP : delta / 2;
	delta += delta / points;
	for (; delta > (PUNY_BASE - PUNY_TMIN) * PUNY_TMAX / 2; k += PUNY_BASE)
		delta /= PUNY_BASE - PUNY_TMIN;
	return k + (PUNY_BASE - PUNY_TMIN + 1) * delta / (delta + PUNY_SKEW);
}

static int
digit(char c)
{
	c = span_lower(c);
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	return c >= '0' && c <= '9' ? c - '0' + 26 : -1;
}

/* Removes a variable-length integer from *s; 0 if it is invalid. 64 bits cannot
 * overflow within the bounds checked here. */
static int
take_delta(struct span *s, uint32_t bias, uint64_t *delta)
{
	uint64_t v = 0, w = 1;
	uint32_t k, t;
	int d;

	for (k = PUNY_BASE;; k += PUNY_BASE) {
		if (s->n == 0 || (d = digit(s->p[0])) < 0)
			return 0;
		s->p++, s->n--;
		v += (uint64_t)d * w;
		if (v > UINT32_MAX)
			return 0;
		t = k <= bias + PUNY_TMIN   ? PUNY_TMIN
		    : k >= bias + PUNY_TMAX ? PUNY_TMAX
					    : k - bias;
		if ((uint32_t)d < t)
			break;
		w *= PUNY_BASE - t;
		if (w > UINT32_MAX)
			return 0;
	}
	*delta = v;
	return 1;
}

static int
is_text(uint64_t point)
{
	return point > 0x9f && point <= 0x10ffff &&
	       (point < 0xd800 || point > 0xdfff);
}

int
url_idna_is_alabel(struct span label)
{
	struct span s = span_of(label.p + 4, label.n - 4);
	const char *hyphen = s.n > 0 ? memrchr(s.p, '-', s.n) : NULL;
	uint32_t points = 0, bias = PUNY_BIAS;
	uint64_t at = 0, delta, point = PUNY_FIRST;
	int is_first = 1;

	if (hyphen != NULL) {
		points = (uint32_t)(hyphen - s.p);
		s = span_of(hyphen + 1, s.n - points - 1);
	}
	if (s.n == 0)
		return 0;
	for (; s.n > 0; is_first = 0) {
		if (!take_delta(&s, bias, &delta))
			return 0;
		points++;
		bias = adapt((uint32_t)delta, points, is_first);
		at += delta;
		point += at / points;
		at = at % points + 1;
		if (!is_text(point))
			return 0;
	}
	return 1;
}

/* ---- U-labels ---- */

/* Characters that transitional UTS 46 maps differently. */
static int
has_deviation(const char *label)
{
	static const char *const points[] = { "\xc3\x9f", "\xe1\xba\x9e",
		"\xcf\x82", "\xe2\x80\x8c", "\xe2\x80\x8d" };
	size_t i;

	for (i = 0; i < sizeof(points) / sizeof(points[0]); i++)
		if (strstr(label, points[i]) != NULL)
			return 1;
	return 0;
}

/* libidn2 forbids characters that IDNA2008 disallows, except in transitional
 * mode. */
static int
to_ascii(const char *label, char **ascii)
{
	int r = idn2_to_ascii_8z(
	    label, ascii, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);

	if (r == IDN2_DISALLOWED && !has_deviation(label))
		r = idn2_to_ascii_8z(
		    label, ascii, IDN2_TRANSITIONAL | IDN2_NFC_INPUT);
	return r;
}

/*
 * libidn2 rejects hyphens at both ends of a label, and at the position of those
 * in "xn--", but accepts underscores there. So hyphens are replaced by
 * underscores before mapping and restored afterwards: Punycode keeps ASCII
 * characters in order.
 */
static void
hide_hyphens(char *label)
{
	for (; *label != '\0'; label++)
		if (*label == '-')
			*label = '_';
}

/* Returns 0 if the mapping itself produced underscores. */
static int
show_hyphens(struct span given, char *ascii)
{
	char *p = strncmp(ascii, "xn--", 4) == 0 ? ascii + 4 : ascii;
	size_t k = 0;

	for (; (p = strchr(p, '_')) != NULL; p++, k++) {
		while (k < given.n && given.p[k] != '-' && given.p[k] != '_')
			k++;
		if (k == given.n)
			return 0;
		*p = given.p[k];
	}
	while (k < given.n && given.p[k] != '-' && given.p[k] != '_')
		k++;
	return k == given.n;
}

size_t
url_idna_map(char *to, struct span label)
{
	char text[URL_IDNA_GIVEN_MAX + 1];
	char *ascii = NULL;
	size_t n;

	if (label.n > URL_IDNA_GIVEN_MAX ||
	    memchr(label.p, '\0', label.n) != NULL)
		return SIZE_MAX; /* libidn2 takes a NUL-terminated string */
	memcpy(text, label.p, label.n);
	text[label.n] = '\0';
	if (!url_idna_has_prefix(label))
		hide_hyphens(text);
	if (to_ascii(text, &ascii) != IDN2_OK)
		return SIZE_MAX;
	n = show_hyphens(label, ascii) ? strlen(ascii) : SIZE_MAX;
	if (n <= URL_IDNA_LABEL_MAX)
		memcpy(to, ascii, n);
	idn2_free(ascii);
	return n <= URL_IDNA_LABEL_MAX ? n : SIZE_MAX;
}
