/* SPDX-License-Identifier: ISC */
/* Numbers as Python writes them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "worker/select/xpath_number.h"

static void
test_a_number_is_written_as_python_writes_it(void **state)
{
	static const struct {
		double v;
		const char *want;
	} rows[] = {
		{ 0, "0.0" },
		{ -0.0, "-0.0" },
		{ 3, "3.0" },
		{ -12, "-12.0" },
		{ 0.5, "0.5" },
		{ 0.1, "0.1" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ 1.0 / 3, "0.3333333333333333" },
		{ 123456.789, "123456.789" },
		{ 1e15, "1000000000000000.0" },
		{ 9999999999999998, "9999999999999998.0" },
		{ 1e16, "1e+16" },
		{ 1.5e16, "1.5e+16" },
		{ 1e300, "1e+300" },
		{ 0.0001, "0.0001" },
		{ 0.00012345, "0.00012345" },
		{ 0.00001, "1e-05" },
		{ 1.5e-7, "1.5e-07" },
		{ 5e-324, "5e-324" },
		{ 1.7976931348623157e308, "1.7976931348623157e+308" },
		{ (double)NAN, "nan" },
		{ -(double)NAN, "nan" },
		{ (double)INFINITY, "inf" },
		{ -(double)INFINITY, "-inf" },
	};
	struct buf out = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		out.n = 0;
		xpath_number_put(&out, rows[i].v);
		if (!span_eq(buf_view(&out), span_str(rows[i].want)))
			fail_msg(
			    "%.*s, not %s", (int)out.n, out.p, rows[i].want);
	}
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_number_is_written_as_python_writes_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
