/* SPDX-License-Identifier: ISC */
/* EVP chooses the processor's own instructions where there are some. */
#include "io/digest.h"

#include <openssl/evp.h>

#include "base/check.h"

static EVP_MD_CTX *
context(struct digest *d)
{
	return (EVP_MD_CTX *)(void *)d;
}

struct digest *
digest_new(void)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	CHECK(c != NULL && EVP_DigestInit_ex(c, EVP_sha256(), NULL) == 1);
	return (struct digest *)(void *)c;
}

void
digest_add(struct digest *d, struct span bytes)
{
	CHECK(EVP_DigestUpdate(context(d), bytes.p, bytes.n) == 1);
}

void
digest_end(struct digest *d, char hex[DIGEST_HEX])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char raw[EVP_MAX_MD_SIZE];
	unsigned n = 0, i;

	CHECK(EVP_DigestFinal_ex(context(d), raw, &n) == 1);
	CHECK(n * 2 == DIGEST_HEX);
	for (i = 0; i < n; i++) {
		hex[2 * i] = digits[raw[i] >> 4];
		hex[2 * i + 1] = digits[raw[i] & 15];
	}
}

void
digest_free(struct digest *d)
{
	EVP_MD_CTX_free(context(d));
}
