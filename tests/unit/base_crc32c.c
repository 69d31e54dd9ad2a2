/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/crc32c.h"

/* The examples of RFC 3720, appendix B.4, and the usual check value. */
static void
test_known_values(void **state)
{
	unsigned char b[32];
	size_t i;

	(void)state;
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	memset(b, 0, sizeof(b));
	assert_int_equal(crc32c(0, b, sizeof(b)), 0x8a9136aa);
	memset(b, 0xff, sizeof(b));
	assert_int_equal(crc32c(0, b, sizeof(b)), 0x62a8ab43);
	for (i = 0; i < sizeof(b); i++)
		b[i] = (unsigned char)i;
	assert_int_equal(crc32c(0, b, sizeof(b)), 0x46dd794e);
	assert_int_equal(crc32c(0, NULL, 0), 0);
}

static void
test_pieces_are_as_the_whole(void **state)
{
	static const char text[] = "123456789";
	size_t i;

	(void)state;
	for (i = 0; i <= 9; i++)
		assert_int_equal(
		    crc32c(crc32c(0, text, i), text + i, 9 - i), 0xe3069283);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_values),
		cmocka_unit_test(test_pieces_are_as_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
