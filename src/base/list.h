/* SPDX-License-Identifier: ISC */
/*
 * Doubly linked lists whose links are embedded in the elements. A link knows
 * whether it is on a list, so CHECK() catches a second insertion.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stddef.h>

#include "base/check.h"

struct link {
	struct link *next, *prev; /* both NULL: on no list */
};

struct list {
	struct link head;
	size_t n;
};

#define CONTAINER(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void
list_init(struct list *l)
{
	l->head.next = l->head.prev = &l->head;
	l->n = 0;
}

static inline int
link_on(const struct link *k)
{
	return k->next != NULL;
}

static inline void
list_insert(struct list *l, struct link *k, struct link *before)
{
	CHECK(!link_on(k));
	k->next = before;
	k->prev = before->prev;
	before->prev->next = k;
	before->prev = k;
	l->n++;
}

static inline void
list_push(struct list *l, struct link *k) /* at the tail */
{
	list_insert(l, k, &l->head);
}

static inline void
list_unshift(struct list *l, struct link *k) /* at the head */
{
	list_insert(l, k, l->head.next);
}

static inline void
list_remove(struct list *l, struct link *k)
{
	CHECK(link_on(k) && l->n > 0);
	k->prev->next = k->next;
	k->next->prev = k->prev;
	k->next = k->prev = NULL;
	l->n--;
}

/* The first or last link, or NULL. */
static inline struct link *
list_first(const struct list *l)
{
	return l->n > 0 ? l->head.next : NULL;
}

static inline struct link *
list_last(const struct list *l)
{
	return l->n > 0 ? l->head.prev : NULL;
}

/* The link after k, or NULL at the end. */
static inline struct link *
list_next(const struct list *l, const struct link *k)
{
	return k->next != &l->head ? k->next : NULL;
}

static inline struct link *
list_shift(struct list *l) /* takes the first off, or NULL */
{
	struct link *k = list_first(l);

	if (k != NULL)
		list_remove(l, k);
	return k;
}

#endif
