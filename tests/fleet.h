/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A made-up fleet: what fleet_gen.c (who, when, where) and fleet_text.c (the dump) share. */
#ifndef OOMLENS_TESTS_FLEET_H
#define OOMLENS_TESTS_FLEET_H

#include <oomlens/event.h>
#include <oomlens/parse.h>

/* splitmix64: each event and each host has dice of its own, so that any of them can be made again. */
struct dice { uint64_t s; };

static inline uint64_t dice_next(struct dice *d)
{
	uint64_t z = d->s += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static inline int64_t roll(struct dice *d, int64_t n)          /* 0 ... n-1 */
{
	return n > 0 ? (int64_t)(dice_next(d) % (uint64_t)n) : 0;
}

static inline bool chance(struct dice *d, int percent)
{
	return roll(d, 100) < percent;
}

static inline struct dice dice_of(uint64_t seed, uint64_t kind, uint64_t n)
{
	struct dice d = { seed * 0x9e3779b97f4a7c15u ^ kind << 56 ^ n };

	(void)dice_next(&d);
	return d;
}

/* A real dump, taken apart where another one would differ. */
struct dump;

/* What a dump is to tell this time. */
struct telling {
	struct oom_str host, boot_id, path;
	int64_t boot_us, wall_us;        /* of its first line */
	bool zone;                       /* the log says the time zone */
	const char *comm;                /* of the victim */
	const char *oom_memcg, *task_memcg;
	int tasks;                       /* rows that the table gains, about */
	bool shield;                     /* a giant that may not be killed */
	bool favour;                     /* a larger one with a lower oom_score_adj */
	bool rival;                      /* one that nearly was it */
	bool roomy;                      /* a high order, with memory free */
	bool cut;                        /* the log ends in the table */
};

/* Dumps of all cases below dir (tests/cases) that suit; exits with a message on trouble. */
void fleet_load(const char *dir);
int fleet_series(void);                                        /* number of kernel series among them */
/* One of a series, by the weights of the scenarios; memcg: a group ran out, else the machine. */
const struct dump *fleet_dump(int series, bool memcg, struct dice *d);
bool fleet_is_memcg(const struct dump *t);
/* Feeds the parser with the dump, as told. */
void fleet_tell(const struct dump *t, const struct telling *how, struct dice *d, struct oom_parser *p);
void fleet_die(const char *fmt, ...) OOM_PRINTF(1, 2) __attribute__((noreturn));

#endif
