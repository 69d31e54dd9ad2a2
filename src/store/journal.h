/* SPDX-License-Identifier: ISC */
/*
 * The journal of a run: a file that says which items are done, up to where the
 * outputs are valid and how much of the input is consumed, so that a run that
 * was killed can go on. Its format is described in docs/journal.md. Knows
 * neither the outputs nor the inputs: their places are numbers.
 *
 * A run: journal_open() takes the lock, journal_read() says what the file
 * says, journal_start() begins to write. Then, in the loop, the caller keeps
 * struct journal_state up to date and calls journal_encode_checkpoint(); the
 * thread that syncs files calls journal_commit() with the result.
 */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "store/progress.h"

#define JOURNAL_VERSION 1
#define JOURNAL_COMPACT_BYTES (1u << 20) /* appended before a compaction */
#define JOURNAL_RESERVE_BYTES (1u << 20) /* for the last checkpoint */

/* What a journal may contain; more is damage. A caller that exceeds a limit
 * has a fault (CHECK); but too many open items at the start and too large a
 * file are errors (EFBIG). */
#define JOURNAL_FILE_MAX ((size_t)256 << 20)
#define JOURNAL_OPEN_MAX ((size_t)16 << 20) /* open items */
#define JOURNAL_GIVEN_MAX ((size_t)1 << 20) /* given between checkpoints */
#define JOURNAL_INPUTS_MAX 65536u
#define JOURNAL_TEXT_MAX ((size_t)1 << 20) /* the text, a name */
#define JOURNAL_COUNTS_MAX ((size_t)1 << 16)
#define JOURNAL_GOVERNOR_MAX ((size_t)16 << 20)

/* Up to where an output is valid. */
struct journal_place {
	uint32_t file; /* its number; 0 if it is not rotated */
	uint64_t bytes;
};

/* How much of the inputs is consumed: those before number `index` whole, and
 * this much of number `index`. */
struct journal_mark {
	uint32_t index;
	uint64_t bytes, lines;
	uint64_t hash[2]; /* XXH3-128 of these bytes (store/identity) */
};

struct journal_input {
	char *name; /* owned by the state */
	uint64_t size_bytes;
	int64_t mtime_ns;
	/* Set by the caller before the mark moves to the next input: */
	uint64_t bytes, lines; /* consumed */
	uint64_t hash[2];      /* of these bytes */
};

/* What does not change during a run, except for the inputs' bytes, lines and
 * hashes. */
struct journal_identity {
	unsigned char run[16]; /* identity_new_run() */
	uint64_t options[2];   /* identity_digest() of the options */
	struct journal_input *inputs;
	size_t ninputs;
	struct buf text; /* for messages, such as the command line */
};

/* A body file that got its name, of an item that is not done. */
struct journal_published {
	uint64_t seq;
	char *name;
};

struct journal_state {
	struct journal_identity identity;
	struct progress *progress;
	struct journal_place out, failed;
	struct journal_mark mark;
	struct buf counts, governor; /* the caller's, opaque */
	unsigned is_finished : 1;

	/* From journal_read(); journal_start() copies both, and the journal
	 * keeps its own lists from then on. */
	struct journal_published *published;
	size_t npublished;
	uint64_t *begun; /* begun, but larger than progress_last(): the caller
			  * sets was_begun when it gives one of them again */
	size_t nbegun;

	/* Private: what the last checkpoint said. */
	uint64_t encoded_last;
	uint32_t encoded_input;
};

/* Empty, with a progress. fini frees everything in it. */
void journal_state_init(struct journal_state *s);
void journal_state_fini(struct journal_state *s);
/* Appends an input to the identity; copies the name. */
void journal_state_add_input(struct journal_state *s, struct span name,
    uint64_t size_bytes, int64_t mtime_ns);
/* Whether seq is in `begun`. */
int journal_state_was_begun(const struct journal_state *s, uint64_t seq);

enum journal_verdict {
	JOURNAL_OK,
	JOURNAL_NONE,    /* there is no file, or it is empty */
	JOURNAL_DAMAGED, /* `why` says at which offset */
	JOURNAL_NEWER,   /* written by a newer version */
	JOURNAL_LOCKED,  /* another process uses it */
	JOURNAL_IO,      /* `why` says what failed; errno is set */
};

/*
 * Reads a journal into *s, which must be as after init. With another verdict
 * than OK, `why` is set (without the path in front, without a newline) and *s
 * may only be freed.
 *
 * A tail that was not written whole is ignored: it is a normal effect of a
 * crash. Damage before something that was written later is refused.
 */
enum journal_verdict
journal_read(const char *path, struct journal_state *s, struct buf *why);

/* Writes to `to`, which must not exist, a new journal with what `from` said
 * before its damage (or all of it, if there is none). OK, or the verdict that
 * says why not. */
enum journal_verdict
journal_salvage(const char *from, const char *to, struct buf *why);

struct journal;

/* Takes the lock for journal `path`. Creates an empty file if there is none,
 * which journal_close() removes again unless the journal was started. NULL
 * with *verdict LOCKED or IO, and `why` set. */
struct journal *
journal_open(const char *path, enum journal_verdict *verdict, struct buf *why);
/* A warning about the file system the journal is on, or NULL. */
const char *journal_warning(const struct journal *j);
/* Replaces the file with a new one that begins with the state, and reserves
 * room. is_synced: commits call fdatasync() (otherwise only the start and a
 * compaction do). 0, or an errno with `why` set; the old file is then
 * unchanged. */
int journal_start(
    struct journal *j, struct journal_state *s, int is_synced, struct buf *why);
/* While no commit is under way: replaces the file with one that says only what
 * the state says. Durable. 0, or an errno: then the old file is unchanged. */
int journal_rewrite(struct journal *j, struct journal_state *s);
/* Gives up the lock and the reserve. NULL is allowed. */
void journal_close(struct journal *j);

struct journal_batch {
	uint64_t *done; /* items, all open; the call sorts them */
	size_t ndone;
	uint64_t *changed; /* items of which a field of struct progress_item
			    * has changed since the last checkpoint; those
			    * that are not open are left out; sorted */
	size_t nchanged;
	unsigned has_governor : 1; /* write s->governor too */
};

/*
 * In the loop: appends a checkpoint to `to` that leads from the checkpoint
 * before to *s, and closes the items that are done. *s is then what the journal
 * will say. There may be one checkpoint at a time between this call and the end
 * of journal_commit().
 *
 * If journal_needs_compaction(), call journal_start_compaction() right after
 * it, and journal_commit() writes a new file instead.
 */
void journal_encode_checkpoint(
    struct buf *to, struct journal_state *s, const struct journal_batch *b);
int journal_needs_compaction(struct journal *j);
void journal_start_compaction(struct journal *j, struct journal_state *s);

/*
 * On the syncing thread: writes the checkpoint, and syncs it if is_synced was
 * given. The outputs must be synced already. 0 or an errno. After ENOSPC,
 * EDQUOT or EFBIG nothing of it is in the file and the same frame can be
 * committed again; after any other error the journal refuses all further
 * writes with EIO.
 */
int journal_commit(struct journal *j, struct span frame);

/*
 * Any thread: writes at once, without a sync. 0 or an errno as above. _begun:
 * a request of this item that must not be sent twice is about to be sent; the
 * caller sets was_begun of the item too, for the next snapshot. _published: a
 * body file is about to get this name.
 */
int journal_begun(struct journal *j, uint64_t seq);
int journal_published(struct journal *j, uint64_t seq, struct span name);
/* On the syncing thread: what was written so far is durable. 0 or an errno. */
int journal_sync(struct journal *j);
/* On the syncing thread, after the last commit: nothing is left to do; syncs
 * like journal_commit(). */
int journal_finish(struct journal *j);

#endif
