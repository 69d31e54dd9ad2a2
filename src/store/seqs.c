/* SPDX-License-Identifier: ISC */
/* Pages in an array that is sorted by their numbers. */
#include "store/seqs.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define PAGE_SEQS 65536
#define PAGE_WORDS (PAGE_SEQS / 64)

struct page {
	uint64_t number;
	uint64_t *word; /* PAGE_WORDS */
};

struct seqs {
	struct page *page;
	size_t n, cap;
	uint64_t count;
};

struct seqs *
seqs_new(void)
{
	return mem_zalloc(1, sizeof(struct seqs));
}

void
seqs_free(struct seqs *s)
{
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < s->n; i++)
		free(s->page[i].word);
	free(s->page);
	free(s);
}

/* The index of the first page with at least that number. */
static size_t
index_of(const struct seqs *s, uint64_t number)
{
	size_t low = 0, high = s->n, middle;

	/* Usually seqs grow. */
	if (s->n > 0 && s->page[s->n - 1].number < number)
		return s->n;
	while (low < high) {
		middle = low + (high - low) / 2;
		if (s->page[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The word with the bit of seq, or NULL. */
static uint64_t *
find(const struct seqs *s, uint64_t seq)
{
	size_t i = index_of(s, seq / PAGE_SEQS);

	if (i == s->n || s->page[i].number != seq / PAGE_SEQS)
		return NULL;
	return &s->page[i].word[seq % PAGE_SEQS / 64];
}

static uint64_t *
add_page(struct seqs *s, uint64_t seq)
{
	size_t i = index_of(s, seq / PAGE_SEQS);

	if (s->n == SEQS_PAGES_MAX)
		return NULL;
	s->page = mem_grow(s->page, s->n, &s->cap, sizeof(*s->page));
	memmove(s->page + i + 1, s->page + i, (s->n - i) * sizeof(*s->page));
	s->page[i] = (struct page){ seq / PAGE_SEQS,
		mem_zalloc(PAGE_WORDS, sizeof(uint64_t)) };
	s->n++;
	return &s->page[i].word[seq % PAGE_SEQS / 64];
}

int
seqs_add(struct seqs *s, uint64_t seq)
{
	uint64_t *word = find(s, seq), bit = UINT64_C(1) << seq % 64;

	if (word == NULL && (word = add_page(s, seq)) == NULL)
		return -1;
	if (*word & bit)
		return 0;
	*word |= bit;
	s->count++;
	return 1;
}

void
seqs_remove(struct seqs *s, uint64_t seq)
{
	uint64_t *word = find(s, seq), bit = UINT64_C(1) << seq % 64;

	if (word == NULL || !(*word & bit))
		return;
	*word &= ~bit;
	s->count--;
}

int
seqs_has(const struct seqs *s, uint64_t seq)
{
	const uint64_t *word = find(s, seq);

	return word != NULL && (*word >> seq % 64 & 1) != 0;
}

uint64_t
seqs_count(const struct seqs *s)
{
	return s->count;
}

uint64_t
seqs_next(const struct seqs *s, uint64_t from)
{
	size_t i = index_of(s, from / PAGE_SEQS), w;
	uint64_t bits, base;

	for (; i < s->n; i++) {
		base = s->page[i].number * PAGE_SEQS;
		w = from > base ? (from - base) / 64 : 0;
		for (; w < PAGE_WORDS; w++) {
			bits = s->page[i].word[w];
			if (from > base + w * 64)
				bits &= ~UINT64_C(0) << from % 64;
			if (bits != 0)
				return base + w * 64 +
				       (uint64_t)__builtin_ctzll(bits);
		}
	}
	return 0;
}
