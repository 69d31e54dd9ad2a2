/* SPDX-License-Identifier: ISC */
/* The rows of options/table.h and the titles of their groups, as data. */
#include "options/row.h"

#include "base/check.h"

#define OPT_AT_BOOL(id) offsetof(struct opts, id)
#define OPT_AT_INT(id) offsetof(struct opts, id)
#define OPT_AT_SIZE(id) offsetof(struct opts, id##_bytes)
#define OPT_AT_DUR(id) offsetof(struct opts, id##_us)
#define OPT_AT_RATE(id) offsetof(struct opts, id)
#define OPT_AT_STR(id) offsetof(struct opts, id)
#define OPT_AT_PATH(id) offsetof(struct opts, id)
#define OPT_AT_LIST(id) offsetof(struct opts, id)
#define OPT_AT_ENUM(id) offsetof(struct opts, id)

static const struct opt_row rows[OPT_COUNT] = {
#define OPT(id, name, letter, type, def, min, max, group, meta, help, more) \
	[OPT_##id] = { name, letter, OPT_##type, def, min, max, \
		OPT_IN_##group, meta, help, more, OPT_AT_##type(id) },
#include "options/table.h"
#undef OPT
};

static const char *const titles[OPT_GROUP_COUNT] = {
#define GROUP(id, title) [OPT_IN_##id] = title,
	OPT_GROUPS(GROUP)
#undef GROUP
};

const struct opt_row *
opts_row(enum opt id)
{
	CHECK(id < OPT_COUNT);
	return &rows[id];
}

const char *
opts_group_title(enum opt_group g)
{
	CHECK(g < OPT_GROUP_COUNT);
	return titles[g];
}
