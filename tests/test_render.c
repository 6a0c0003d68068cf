/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <oomlens/render.h>

#include <stdlib.h>
#include <string.h>

static struct oom_node nodes[64];
static struct oom_doc doc;

static void doc_clear(void)
{
	doc = (struct oom_doc){ .node = nodes };
}

static void add(enum oom_node_kind kind, const char *key, struct oom_str text, int64_t line)
{
	assert_true(doc.nnodes < OOM_ARRAY_SIZE(nodes));
	nodes[doc.nnodes++] = (struct oom_node){
		.kind = (uint8_t)kind, .key = oom_str_from(key), .text = text, .line = line,
	};
}

static char *render(unsigned width, bool color, size_t *ret_size)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	oom_render_text(&doc, width, color, f);
	assert_int_equal(fclose(f), 0);
	if (ret_size)
		*ret_size = size;
	return text;
}

static void check(unsigned width, const char *want)
{
	char *got = render(width, false, NULL);

	assert_string_equal(got, want);
	free(got);
}

static void fact_hangs_and_names_its_line(void **state)
{
	(void)state;
	doc_clear();
	add(OOM_NODE_FACT, "held", oom_str_from("12.3 GiB in RAM: 12.2 GiB anonymous"), 205);
	check(44,
	      "  held          12.3 GiB in RAM: 12.2 GiB\n"
	      "                anonymous (line 205)\n");
}

static void numbers_stand_right_and_lines_end_without_blanks(void **state)
{
	(void)state;
	doc_clear();
	add(OOM_NODE_TABLE, NULL, OOM_STR(">pid\tname\t>points\t"), OOM_NA);
	add(OOM_NODE_ROW, NULL, OOM_STR("7\tmysqld\t1,234\tkilled"), OOM_NA);
	add(OOM_NODE_ROW, NULL, OOM_STR("812\tsh\t9\t"), OOM_NA);
	check(80,
	      "  pid  name    points\n"
	      "    7  mysqld   1,234  killed\n"
	      "  812  sh           9\n");
}

static void names_give_way_before_numbers(void **state)
{
	(void)state;
	doc_clear();
	add(OOM_NODE_TABLE, NULL, OOM_STR("name\t>points"), OOM_NA);
	add(OOM_NODE_ROW, NULL, OOM_STR("a-name-that-is-far-too-long-for-the-screen\t1,234,567"), OOM_NA);
	check(40,
	      "  name                            points\n"
	      "  a-name-that-is-far-too-l...  1,234,567\n");
}

static void wide_characters_take_two_columns(void **state)
{
	(void)state;
	doc_clear();
	add(OOM_NODE_TABLE, NULL, OOM_STR("name\tx"), OOM_NA);
	add(OOM_NODE_ROW, NULL, OOM_STR("\xe5\xa4\xaa\xe9\x83\x8e\ty"), OOM_NA);
	check(80,
	      "  name  x\n"
	      "  \xe5\xa4\xaa\xe9\x83\x8e  y\n");
}

static void log_bytes_cannot_move_the_cursor(void **state)
{
	char *got;

	(void)state;
	doc_clear();
	add(OOM_NODE_QUOTE, NULL, OOM_STR("a\033[2Jb\nc\0d"), OOM_NA);
	got = render(80, true, NULL);
	assert_string_equal(got, "  | a\\x1b[2Jb\\x0ac\\x00d\n");
	free(got);
}

static void colour_is_absent_unless_asked(void **state)
{
	char *got;

	(void)state;
	doc_clear();
	add(OOM_NODE_VERDICT, NULL, OOM_STR("done."), 3);
	nodes[0].tone = OOM_TONE_BAD;
	check(80, "\ndone. (line 3)\n");
	got = render(80, true, NULL);
	assert_non_null(strstr(got, "\033[31m"));
	free(got);
}

/* ---- whatever stands in the document, no line is wider than asked
 * ------------------------------------------------------------ */

static uint64_t dice = 1;

static unsigned roll(unsigned n)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (unsigned)(dice % n);
}

static struct oom_str any_text(char *p, size_t max)
{
	static const char *const bits[] = {
		" ",
		"\t",
		"word",
		"\xe5\xa4\xaa",
		"\xff",
		"\033",
		"1,234",
		"(",
		"averyverylongwordwithoutanyblank",
		"\xcc\x81",
		"\xe2\x80\xae",
		"  ",
		"\xf3\xa0\x80\x81",
		">",
		"\n",
	};
	size_t n = 0, want = roll((unsigned)max);

	while (n + 40 < want) {
		const char *b = bits[roll(OOM_ARRAY_SIZE(bits))];

		memcpy(p + n, b, strlen(b));
		n += strlen(b);
	}
	return (struct oom_str){ p, n };
}

static size_t line_columns(struct oom_str s)
{
	size_t sum = 0, cols, n;

	for (; (n = oom_str_glyph(s, &cols)) != 0; s = oom_str_sub(s, n, s.n))
		sum += cols;
	return sum;
}

static void no_line_is_wider_than_asked(void **state)
{
	static char pool[OOM_ARRAY_SIZE(nodes)][600];

	(void)state;
	for (int round = 0; round < 400; round++) {
		unsigned width = 40 + roll(161);
		size_t size;
		char *got;

		doc_clear();
		for (size_t i = 0; i < 24; i++)
			add(roll(OOM_NODE_NOTE + 1), "a key that is too long",
			    any_text(pool[i], sizeof(pool[i])), roll(2) ? OOM_NA : 12345678);
		got = render(width, false, &size);
		for (char *p = got, *nl; p < got + size; p = nl + 1) {
			nl = memchr(p, '\n', (size_t)(got + size - p));
			assert_non_null(nl);
			assert_true(line_columns((struct oom_str){ p, (size_t)(nl - p) }) <= width);
		}
		free(got);
	}
}

int test_render(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fact_hangs_and_names_its_line),
		cmocka_unit_test(numbers_stand_right_and_lines_end_without_blanks),
		cmocka_unit_test(names_give_way_before_numbers),
		cmocka_unit_test(wide_characters_take_two_columns),
		cmocka_unit_test(log_bytes_cannot_move_the_cursor),
		cmocka_unit_test(colour_is_absent_unless_asked),
		cmocka_unit_test(no_line_is_wider_than_asked),
	};

	return cmocka_run_group_tests_name("render", tests, NULL, NULL);
}
