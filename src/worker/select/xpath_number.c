/* SPDX-License-Identifier: ISC */
/*
 * Formats a double like Python's str(): at most 17 digits, an exponent from
 * 1e16 on and below 1e-4.
 */
#include "worker/select/xpath_number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* d.ddde+XX for a finite v >= 0 with as few digits as needed. */
static void
shortest(char *text, size_t size, double v)
{
	int digits;

	for (digits = 0; digits < 17; digits++) {
		snprintf(text, size, "%.*e", digits, v);
		if (strtod(text, NULL) == v)
			return;
	}
}

/* Writes digits with a decimal point after the first `before` of them. */
static void
put_digits(struct buf *out, struct span digits, int before)
{
	int i;

	if (before <= 0) {
		buf_str(out, "0.");
		for (i = before; i < 0; i++)
			buf_char(out, '0');
		buf_span(out, digits);
		return;
	}
	for (i = 0; i < before || i < (int)digits.n; i++) {
		if (i == before)
			buf_char(out, '.');
		buf_char(out, i < (int)digits.n ? digits.p[i] : '0');
	}
	if ((int)digits.n <= before)
		buf_str(out, ".0");
}

void
xpath_number_put(struct buf *out, double v)
{
	char text[40], *e;
	int exponent;

	if (isnan(v)) {
		buf_str(out, "nan");
		return;
	}
	if (signbit(v))
		buf_char(out, '-');
	v = fabs(v);
	if (isinf(v)) {
		buf_str(out, "inf");
		return;
	}
	shortest(text, sizeof(text), v);
	e = strchr(text, 'e');
	exponent = (int)strtol(e + 1, NULL, 10);
	if (exponent < -4 || exponent >= 16) {
		buf_str(out, text); /* the C library writes it as Python does */
		return;
	}
	*e = '\0';
	if (text[1] == '.')
		memmove(text + 1, text + 2, strlen(text + 2) + 1);
	put_digits(out, span_str(text), exponent + 1);
}
