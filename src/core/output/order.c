/* SPDX-License-Identifier: ISC */
/*
 * A ring of items, beginning with the next one in order. The stored bytes of an
 * item are a linked list of extents in the spill file, followed by one part in
 * memory. Knows nothing of lines' content.
 */
#include "core/output/order.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/mem.h"
#include "core/output/output.h"
#include "io/spill.h"

#define MIN_ITEMS 64
#define PIECE_BYTES (64u << 10) /* moved to the sink at a time */
#define PART_BYTES (64u << 10)  /* large enough to be spilled while it grows */
#define GROW_BYTES (256u << 10)
#define SCRATCH_BYTES (256u << 10) /* memory kept between items */

/* The header of each extent in the file. */
struct head {
	uint64_t next; /* offset of the item's next extent, if it has one */
	uint64_t n;
};

#define HEAD_BYTES sizeof(struct head)

struct part {
	struct heap_link link; /* by spill_rank */
	uint64_t place;
	size_t off, n, cap; /* bytes[off] to bytes[n]; off leaves room for a
			     * struct head */
	char bytes[];
};

struct item {
	struct part *part;
	uint64_t first, last;      /* extents, when is_spilled */
	struct output_token token; /* when is_ended; or 0 */
	unsigned char is_known, is_ended, is_spilled;
};

struct order {
	struct item *item;   /* place is at place & (cap - 1) */
	size_t cap;          /* a power of two */
	uint64_t next, high; /* known items are in [next, high) */
	size_t pending;      /* see order_pending */
	uint64_t begun;      /* place of the lines in scratch */
	struct buf scratch;
	size_t window, held;
	uint64_t max_spill;
	int is_disk_full; /* the last write to the file failed */
	struct heap parts;
	struct spill *spill;
	void (*passed)(void *arg, const struct output_token *token);
	void *passed_arg;
	/* While is_reading: the first extent of the next item, its length and
	 * how much of it is moved. */
	int is_reading;
	uint64_t n, done;
	struct buf head;
};

/* ---- the ring ---- */

static struct item *
at(const struct order *o, uint64_t place)
{
	return &o->item[place & (o->cap - 1)];
}

static void
resize(struct order *o, size_t cap)
{
	struct item *item = mem_zalloc(cap, sizeof(item[0]));
	uint64_t place;

	for (place = o->next; place < o->high; place++)
		item[place & (cap - 1)] = *at(o, place);
	free(o->item);
	o->item = item;
	o->cap = cap;
}

static struct item *
get_item(struct order *o, uint64_t place)
{
	struct item *i;
	size_t cap = o->cap;

	CHECK(place >= o->next && place - o->next < ORDER_AHEAD_MAX);
	while (place - o->next >= cap)
		cap *= 2;
	if (cap != o->cap)
		resize(o, cap);
	if (place >= o->high)
		o->high = place + 1;
	i = at(o, place);
	CHECK(!i->is_ended);
	if (!i->is_known && place > o->next)
		o->pending++;
	i->is_known = 1;
	return i;
}

static int
has_bytes(const struct item *i)
{
	return i->is_spilled || i->part != NULL;
}

/* Moves `next` beyond the items that are ended and written. */
static void
advance(struct order *o)
{
	struct item *i = at(o, o->next);

	while (i->is_ended && !has_bytes(i)) {
		if (i->token.token != 0 && o->passed != NULL)
			o->passed(o->passed_arg, &i->token);
		*i = (struct item){ 0 };
		i = at(o, ++o->next);
		if (i->is_known)
			o->pending--;
	}
	if (o->cap > MIN_ITEMS && o->high - o->next < o->cap / 8)
		resize(o, o->cap / 2);
}

/* ---- stored bytes ---- */

static void
drop_part(struct order *o, struct item *i)
{
	heap_remove(&o->parts, &i->part->link);
	o->held -= sizeof(*i->part) + i->part->cap;
	free(i->part);
	i->part = NULL;
}

/*
 * The part of the item farthest from its place in order is spilled first. Small
 * parts that still grow are spilled last, or a stream would be cut into
 * countless extents.
 */
static int64_t
spill_rank(const struct item *i)
{
	size_t n = i->part->n - i->part->off;

	if (i->is_ended || n >= PART_BYTES)
		return -(int64_t)i->part->place;
	return INT64_MAX - (int64_t)n;
}

static struct part *
new_part(uint64_t place, size_t cap)
{
	struct part *p = mem_alloc(sizeof(*p) + cap);

	*p = (struct part){ .place = place, .cap = cap };
	p->off = p->n = HEAD_BYTES;
	return p;
}

/* Makes room for n more bytes in the item's part. */
static void
reserve(struct order *o, struct item *i, uint64_t place, size_t n)
{
	struct part *p = i->part;
	size_t more;

	if (p != NULL && p->cap - p->n >= n)
		return;
	if (p == NULL) {
		p = new_part(place, HEAD_BYTES + n);
	} else {
		more = p->n < GROW_BYTES ? p->n : GROW_BYTES;
		heap_remove(&o->parts, &p->link);
		o->held -= sizeof(*p) + p->cap;
		p->cap = p->n + (n > more ? n : more);
		p = mem_realloc(p, sizeof(*p) + p->cap);
	}
	o->held += sizeof(*p) + p->cap;
	i->part = p;
}

static void
keep(struct order *o, struct item *i, uint64_t place, struct span s)
{
	reserve(o, i, place, s.n);
	memcpy(i->part->bytes + i->part->n, s.p, s.n);
	i->part->n += s.n;
	heap_move(&o->parts, &i->part->link, spill_rank(i));
}

/* Links the extent at that offset after the item's last one. */
static enum err
append_extent(struct order *o, struct item *i, uint64_t offset)
{
	enum err err;

	if (i->is_spilled) {
		err =
		    spill_patch(o->spill, i->last + offsetof(struct head, next),
			span_of((const char *)&offset, sizeof(offset)));
		if (err != E_OK)
			return err;
	} else
		i->first = offset;
	i->last = offset;
	i->is_spilled = 1;
	return E_OK;
}

static enum err
spill_part(struct order *o, struct item *i)
{
	struct part *p = i->part;
	struct head head = { .n = p->n - p->off };
	char *from = p->bytes + p->off - HEAD_BYTES;
	uint64_t offset;
	enum err err;

	memcpy(from, &head, HEAD_BYTES);
	err =
	    spill_append(o->spill, span_of(from, HEAD_BYTES + head.n), &offset);
	if (err != E_OK)
		return err;
	err = append_extent(o, i, offset);
	if (err == E_OK)
		drop_part(o, i);
	else
		spill_release(o->spill, offset, HEAD_BYTES + head.n);
	return err;
}

/* Spills parts beyond the window to the file, until a write fails. */
static void
shrink_to_window(struct order *o)
{
	struct heap_link *k;
	struct part *p;

	o->is_disk_full = 0;
	while (o->held > o->window && (k = heap_first(&o->parts)) != NULL) {
		p = CONTAINER(k, struct part, link);
		if (spill_part(o, at(o, p->place)) == E_OK)
			continue;
		o->is_disk_full = 1;
		return;
	}
}

/* ---- input ---- */

struct order *
order_new(size_t window, uint64_t max_spill)
{
	struct order *o = mem_zalloc(1, sizeof(*o));

	o->next = o->high = 1;
	o->window = window;
	o->max_spill = max_spill;
	o->spill = spill_new();
	heap_init(&o->parts);
	resize(o, MIN_ITEMS);
	return o;
}

void
order_on_passed(struct order *o,
    void (*cb)(void *arg, const struct output_token *token), void *arg)
{
	o->passed = cb;
	o->passed_arg = arg;
}

void
order_free(struct order *o)
{
	uint64_t place;

	if (o == NULL)
		return;
	for (place = o->next; place < o->high; place++)
		if (at(o, place)->part != NULL)
			drop_part(o, at(o, place));
	heap_fini(&o->parts);
	spill_free(o->spill);
	buf_fini(&o->scratch);
	buf_fini(&o->head);
	free(o->item);
	free(o);
}

struct buf *
order_begin(struct order *o, uint64_t place)
{
	get_item(o, place);
	buf_clear(&o->scratch, SCRATCH_BYTES);
	o->begun = place;
	return &o->scratch;
}

void
order_add(struct order *o, uint64_t place)
{
	struct item *i = get_item(o, place);
	struct span s = buf_view(&o->scratch);

	CHECK(o->begun == place);
	o->begun = 0;
	if (s.n > 0) {
		keep(o, i, place, s);
		if (!o->is_disk_full)
			shrink_to_window(o);
	}
	buf_clear(&o->scratch, SCRATCH_BYTES);
}

int
order_has_room(const struct order *o)
{
	return !o->is_disk_full &&
	       (o->max_spill == 0 || spill_used_bytes(o->spill) < o->max_spill);
}

int
order_retry_disk(struct order *o)
{
	shrink_to_window(o);
	return order_has_room(o);
}

void
order_end(struct order *o, uint64_t place, const struct output_token *token)
{
	struct item *i = get_item(o, place);

	i->is_ended = 1;
	if (token != NULL)
		i->token = *token;
	if (i->part != NULL)
		heap_move(&o->parts, &i->part->link, spill_rank(i));
	advance(o);
}

/* ---- output ---- */

static enum err
read_head(struct order *o, uint64_t offset, struct head *head)
{
	enum err err;

	o->head.n = 0;
	err = spill_read(o->spill, offset, HEAD_BYTES, &o->head);
	if (err == E_OK)
		memcpy(head, o->head.p, HEAD_BYTES);
	return err;
}

/* Releases the first extent, which was moved, and follows its link; that is
 * read only now, as it may have been set meanwhile. */
static enum err
next_extent(struct order *o, struct item *i)
{
	struct head head = { 0 };
	uint64_t offset = i->first;
	enum err err;

	if (i->first == i->last)
		i->is_spilled = 0;
	else if ((err = read_head(o, i->first, &head)) != E_OK)
		return err;
	i->first = head.next;
	o->is_reading = 0;
	spill_release(o->spill, offset, HEAD_BYTES + o->n);
	return E_OK;
}

static enum err
move_extent(struct order *o, struct item *i, struct output *out)
{
	struct head head;
	uint64_t left;
	enum err err;

	if (!o->is_reading) {
		if ((err = read_head(o, i->first, &head)) != E_OK)
			return err;
		o->is_reading = 1;
		o->n = head.n;
		o->done = 0;
	}
	while ((left = o->n - o->done) > 0 && !out->ops->is_full(out)) {
		left = left < PIECE_BYTES ? left : PIECE_BYTES;
		err = spill_read(o->spill, i->first + HEAD_BYTES + o->done,
		    (size_t)left, out->ops->buffer(out));
		if (err != E_OK)
			return err;
		o->done += left;
	}
	return left == 0 ? next_extent(o, i) : E_OK;
}

static void
move_part(struct order *o, struct item *i, struct output *out)
{
	struct part *p = i->part;
	size_t n;

	while ((n = p->n - p->off) > 0 && !out->ops->is_full(out)) {
		n = n < PIECE_BYTES ? n : PIECE_BYTES;
		buf_add(out->ops->buffer(out), p->bytes + p->off, n);
		p->off += n;
	}
	if (n == 0)
		drop_part(o, i);
}

enum err
order_flush(struct order *o, struct output *out)
{
	struct item *i;
	enum err err;

	while (has_bytes(i = at(o, o->next)) && !out->ops->is_full(out)) {
		if (i->is_spilled)
			err = move_extent(o, i, out);
		else {
			move_part(o, i, out);
			err = E_OK;
		}
		if (err != E_OK)
			return err;
		advance(o);
	}
	return E_OK;
}

int
order_is_due(const struct order *o)
{
	return has_bytes(at(o, o->next));
}

int
order_is_next(const struct order *o, uint64_t place)
{
	return place == o->next && !has_bytes(at(o, place));
}

uint64_t
order_next_place(const struct order *o)
{
	return o->next;
}

int
order_errno(const struct order *o)
{
	return spill_errno(o->spill);
}

size_t
order_pending(const struct order *o)
{
	return o->pending;
}

int
order_is_over(const struct order *o)
{
	return o->pending == 0 && !order_is_due(o);
}

size_t
order_held_bytes(const struct order *o)
{
	return o->held;
}

uint64_t
order_spilled_bytes(const struct order *o)
{
	return spill_live_bytes(o->spill);
}

size_t
order_list_bytes(const struct order *o)
{
	return o->cap * sizeof(o->item[0]);
}
