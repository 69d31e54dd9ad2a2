/* SPDX-License-Identifier: ISC */
/* A chained hash table and SipHash-1-3. Knows nothing of its elements. */
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/check.h"
#include "base/mem.h"

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))

struct sip {
	uint64_t a, b, c, d;
};

static inline void
sip_round(struct sip *s)
{
	s->a += s->b;
	s->b = ROTL(s->b, 13) ^ s->a;
	s->a = ROTL(s->a, 32);
	s->c += s->d;
	s->d = ROTL(s->d, 16) ^ s->c;
	s->a += s->d;
	s->d = ROTL(s->d, 21) ^ s->a;
	s->c += s->b;
	s->b = ROTL(s->b, 17) ^ s->c;
	s->c = ROTL(s->c, 32);
}

uint64_t
hash_of(const struct hash *t, struct span key)
{
	struct sip s = { t->key[0] ^ 0x736f6d6570736575ULL,
		t->key[1] ^ 0x646f72616e646f6dULL,
		t->key[0] ^ 0x6c7967656e657261ULL,
		t->key[1] ^ 0x7465646279746573ULL };
	uint64_t m, last = (uint64_t)key.n << 56;
	size_t i;

	for (i = 0; i + 8 <= key.n; i += 8) {
		memcpy(&m, key.p + i, 8);
		s.d ^= m;
		sip_round(&s);
		s.a ^= m;
	}
	m = 0;
	if (key.n > i)
		memcpy(&m, key.p + i, key.n - i);
	last |= m;
	s.d ^= last;
	sip_round(&s);
	s.a ^= last;
	s.c ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.a ^ s.b ^ s.c ^ s.d;
}

void
hash_init(struct hash *t)
{
	memset(t, 0, sizeof(*t));
	if (getrandom(t->key, sizeof(t->key), 0) != sizeof(t->key))
		fatalx("getrandom failed");
	t->nslot = 64;
	t->slot = mem_zalloc(t->nslot, sizeof(t->slot[0]));
}

void
hash_fini(struct hash *t)
{
	free(t->slot);
	memset(t, 0, sizeof(*t));
}

struct hash_link *
hash_first(const struct hash *t, uint64_t h)
{
	struct hash_link *k = t->slot[h & (t->nslot - 1)];

	while (k != NULL && k->h != h)
		k = k->next;
	return k;
}

struct hash_link *
hash_next(const struct hash_link *k)
{
	uint64_t h = k->h;

	do
		k = k->next;
	while (k != NULL && k->h != h);
	return (struct hash_link *)k;
}

static void
resize(struct hash *t, size_t nslot)
{
	struct hash_link **slot = mem_zalloc(nslot, sizeof(slot[0]));
	struct hash_link *k, *next;
	size_t i;

	for (i = 0; i < t->nslot; i++)
		for (k = t->slot[i]; k != NULL; k = next) {
			next = k->next;
			k->next = slot[k->h & (nslot - 1)];
			slot[k->h & (nslot - 1)] = k;
		}
	free(t->slot);
	t->slot = slot;
	t->nslot = nslot;
}

void
hash_add(struct hash *t, struct hash_link *k, uint64_t h)
{
	if (t->n >= t->nslot)
		resize(t, t->nslot * 2);
	k->h = h;
	k->next = t->slot[h & (t->nslot - 1)];
	t->slot[h & (t->nslot - 1)] = k;
	t->n++;
}

void
hash_del(struct hash *t, struct hash_link *k)
{
	struct hash_link **at = &t->slot[k->h & (t->nslot - 1)];

	while (*at != k) {
		CHECK(*at != NULL);
		at = &(*at)->next;
	}
	*at = k->next;
	t->n--;
}
