/* SPDX-License-Identifier: ISC */
/*
 * Decodes content codings. The layers of a body form a chain that begins with
 * the coding listed last. The last layer pulls its input through fixed buffers.
 * The total of decoded bytes is not limited here; decode_layer.c calls the
 * libraries.
 */
#include "codec/decode.h"

#include <stdlib.h>

#include "base/mem.h"
#include "codec/decode_layer.h"
#include "codec/http/list.h"

#define BETWEEN_BYTES (16u << 10) /* the buffer between two layers */
#define WORK_BYTES (256u << 10)   /* moved between layers in one step */

struct decode {
	size_t n;
	size_t work;   /* bytes moved between layers in this step */
	size_t memory; /* bytes that its layers hold */
	struct decode_layer layer[DECODE_MAX_LAYERS];
};

static const struct {
	struct span name;
	enum decode_coding coding;
} codings[] = {
	{ { "gzip", 4 }, DECODE_GZIP },
	{ { "x-gzip", 6 }, DECODE_GZIP },
	{ { "deflate", 7 }, DECODE_DEFLATE },
	{ { "br", 2 }, DECODE_BR },
	{ { "zstd", 4 }, DECODE_ZSTD },
};

static enum decode_verdict pull(struct decode *d, size_t i, struct span *in,
    char *to, size_t cap, size_t *wrote);

/* Gets new input for layer i from the layer before it: DECODE_FULL with bytes
 * in l->in, or the verdict of that layer. */
static enum decode_verdict
refill(struct decode *d, size_t i, struct span *in)
{
	struct decode_layer *l = &d->layer[i];
	enum decode_verdict v;
	size_t got = 0;

	if (d->work > WORK_BYTES)
		return DECODE_FULL;
	v = pull(d, i - 1, in, l->between, BETWEEN_BYTES, &got);
	l->in = span_of(l->between, got);
	d->work += got;
	return got > 0 ? DECODE_FULL : v;
}

/*
 * Reads from layer i. When it reaches its end, the layers before it must reach
 * theirs too, so that their checksums are verified, without further output.
 */
static enum decode_verdict
pull(struct decode *d, size_t i, struct span *in, char *to, size_t cap,
    size_t *wrote)
{
	struct decode_layer *l = &d->layer[i];
	enum decode_verdict v;

	for (;;) {
		v = decode_layer_run(l, i == 0 ? in : &l->in, to, cap, wrote);
		if (i == 0 || v == DECODE_FULL || v == DECODE_BAD)
			return v;
		if (v == DECODE_DONE && l->trailing) {
			decode_layer_eat(in, in->n);
			return v;
		}
		v = refill(d, i, in);
		if (l->in.n == 0)
			return v;
	}
}

enum decode_verdict
decode_step(
    struct decode *d, struct span *in, char *to, size_t cap, size_t *wrote)
{
	*wrote = 0;
	d->work = 0;
	return pull(d, d->n - 1, in, to, cap, wrote);
}

int
decode_finish(const struct decode *d)
{
	size_t i;

	/* Layers before one with trailing bytes need not be complete. */
	for (i = d->n; i-- > 0 && decode_layer_whole(&d->layer[i]);)
		if (d->layer[i].trailing)
			return 1;
	return i == SIZE_MAX;
}

int
decode_trailing(const struct decode *d)
{
	size_t i;

	for (i = 0; i < d->n; i++)
		if (decode_layer_trailing(&d->layer[i]))
			return 1;
	return 0;
}

uint64_t
decode_widest(const struct decode *d)
{
	uint64_t most = 0;
	size_t i;

	for (i = 0; i < d->n; i++)
		if (d->layer[i].total > most)
			most = d->layer[i].total;
	return most;
}

size_t
decode_held_bytes(const struct decode *d)
{
	return sizeof(*d) + d->memory;
}

const char *
decode_detail(const struct decode *d)
{
	size_t i;

	for (i = d->n; i-- > 0 && !d->layer[i].trailing;)
		if (d->layer[i].detail != NULL)
			return d->layer[i].detail;
	return NULL;
}

/* Appends the codings of a list to list[*n], leaving out identity. */
static enum err
parse_codings(
    struct span value, enum decode_coding *list, size_t *n, int *unknown)
{
	size_t i, known = sizeof(codings) / sizeof(codings[0]);
	struct span name;

	while (http_list_next(&value, &name)) {
		if (span_ieq(name, SPAN("identity")) ||
		    span_ieq(name, SPAN("none")))
			continue;
		if (*n == DECODE_MAX_LAYERS)
			return E_DECODE_UNSUPPORTED;
		for (i = 0; i < known && !span_ieq(name, codings[i].name); i++)
			;
		if (i == known)
			*unknown = 1;
		else
			list[*n] = codings[i].coding;
		++*n;
	}
	return E_OK;
}

enum err
decode_open(
    struct decode **out, const struct span *values, size_t n, int *unknown)
{
	enum decode_coding list[DECODE_MAX_LAYERS] = { DECODE_GZIP };
	struct decode *d = *out;
	enum err e = E_OK;
	size_t i, layers = 0;

	*out = NULL;
	*unknown = 0;
	for (i = 0; e == E_OK && i < n; i++)
		e = parse_codings(values[i], list, &layers, unknown);
	if (e != E_OK || layers == 0 || *unknown) {
		decode_close(d);
		return e;
	}
	if (d == NULL)
		d = mem_zalloc(1, sizeof(*d));
	d->n = layers;
	for (i = 0; i < layers; i++) {
		decode_layer_init(
		    &d->layer[i], list[layers - 1 - i], &d->memory);
		if (i > 0 && d->layer[i].between == NULL) {
			d->layer[i].between = mem_alloc(BETWEEN_BYTES);
			d->memory += BETWEEN_BYTES;
		}
	}
	*out = d;
	return E_OK;
}

void
decode_close(struct decode *d)
{
	size_t i;

	if (d == NULL)
		return;
	for (i = 0; i < DECODE_MAX_LAYERS; i++)
		decode_layer_fini(&d->layer[i]);
	free(d);
}
