/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "store/identity.h"

#define BYTES 200000 /* more than a block */

/* The values of the reference implementation (xxhsum -H2). */
static void
test_known_hashes(void **state)
{
	uint64_t hash[2];

	(void)state;
	identity_digest(SPAN(""), hash);
	assert_true(hash[1] == 0x99aa06d3014798d8);
	assert_true(hash[0] == 0x6001c324468d497f);
	identity_digest(SPAN("abc"), hash);
	assert_true(hash[1] == 0x06b05ab6733a6185);
	assert_true(hash[0] == 0x78af5f94892f3950);
}

static void
test_pieces_hash_as_the_whole(void **state)
{
	static const char text[] = "http://a/\nhttp://b/\nhttp://c/\n";
	struct identity_hash *h = identity_hash_new();
	uint64_t whole[2], pieces[2];
	size_t i, n = strlen(text);

	(void)state;
	for (i = 0; i <= n; i++) {
		identity_digest(span_of(text, i), whole);
		identity_hash_digest(h, pieces);
		assert_memory_equal(whole, pieces, sizeof(whole));
		identity_hash_update(h, span_of(text + i, i < n));
	}
	identity_hash_reset(h);
	identity_hash_digest(h, pieces);
	identity_digest(SPAN_NONE, whole);
	assert_memory_equal(whole, pieces, sizeof(whole));
	identity_hash_free(h);
	identity_hash_free(NULL);
}

static void
test_the_first_bytes_of_a_file_are_compared(void **state)
{
	char path[] = "/tmp/unit_identity.XXXXXX";
	char *bytes = malloc(BYTES);
	int fd = mkstemp(path);
	uint64_t hash[2];
	size_t n;

	(void)state;
	for (n = 0; n < BYTES; n++)
		bytes[n] = (char)(n * n >> 3);
	assert_int_equal(write(fd, bytes, BYTES), BYTES);
	for (n = 0; n <= BYTES; n += n < 70000 ? 6999 : BYTES - n + !n) {
		identity_digest(span_of(bytes, n), hash);
		assert_int_equal(identity_verify(fd, n, hash), IDENTITY_SAME);
		hash[1] ^= 1;
		assert_int_equal(
		    identity_verify(fd, n, hash), IDENTITY_DIFFERS);
		if (n == BYTES)
			break;
	}
	assert_int_equal(lseek(fd, 0, SEEK_CUR), BYTES);
	identity_digest(span_of(bytes, BYTES), hash);
	assert_int_equal(
	    identity_verify(fd, BYTES + 1, hash), IDENTITY_SHORTER);
	assert_int_equal(
	    identity_verify(fd, UINT64_MAX, hash), IDENTITY_SHORTER);
	/* One byte has changed. */
	assert_int_equal(pwrite(fd, "x", 1, BYTES - 1), 1);
	assert_int_equal(identity_verify(fd, BYTES, hash), IDENTITY_DIFFERS);
	close(fd);
	assert_int_equal(identity_verify(fd, BYTES, hash), IDENTITY_IO);
	assert_int_equal(errno, EBADF);
	unlink(path);
	free(bytes);
}

static void
test_runs_have_names_of_their_own(void **state)
{
	unsigned char a[16], b[16];

	(void)state;
	identity_new_run(a);
	identity_new_run(b);
	assert_memory_not_equal(a, b, sizeof(a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_hashes),
		cmocka_unit_test(test_pieces_hash_as_the_whole),
		cmocka_unit_test(test_the_first_bytes_of_a_file_are_compared),
		cmocka_unit_test(test_runs_have_names_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
