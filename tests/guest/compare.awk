# SPDX-License-Identifier: GPL-2.0-or-later
# compare.awk -v feed=NAME LOG SEEN: is each row of the kernel's task tables told by the feed, with the same numbers?
# Tables and selections are matched in their order; a table that was not printed leaves its selection uncompared.

function field(key,    at) {
	at = index($0, " " key "=")
	if (!at)
		return "?"
	at = substr($0, at + length(key) + 2)
	return substr(at, 1, index(at " ", " ") - 1)
}

# The heading says which columns there are.
FNR == NR && /\[  pid  \]/ {
	tables++
	split_rss = / rss_anon /
	next
}
FNR == NR && tables && /\] +[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+ / && /\[ *[0-9]+\] / {
	row = $0
	sub(/^.*\[ *([0-9]+\] +[0-9]+ +[0-9]+ +[0-9]+ )/, "&", row)
	match(row, /\[ *[0-9]+\] +[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+ /)
	row = substr(row, RSTART + 1)
	gsub(/\]/, " ", row)
	n = split(row, c, " +")
	from = c[1] == "" ? 2 : 1
	pid = c[from]; uid = c[from + 1]; tgid = c[from + 2]; total = c[from + 3]; rss = c[from + 4]
	from += split_rss ? 8 : 5
	want[tables, tgid] = pid " " uid " " total " " rss " " c[from] " " c[from + 1] " " c[from + 2]
	rows[tables]++
	order[tables, rows[tables]] = tgid
	next
}
FNR == NR { if (/Killed process [0-9]+ /) { match($0, /Killed process [0-9]+/); killed[substr($0, RSTART + 15, RLENGTH - 15) + 0] = 1 } next }

$1 == "#" && $2 == feed ":" && $3 == "lost" { lost = $4 }
$1 != feed { next }
$2 == "selection" { rounds++; begin[rounds] = field("mono_us"); total_pages[rounds] = field("total_pages") }
$2 == "aborted" { aborted += field("count") }
$2 == "no_victim" { no_victim++ }
$2 == "kill" { kills++ }
$2 == "mark_victim" { marks++; silent += /\+silent/ }
$2 == "freed" { freed++ }
$2 == "chosen" { end[rounds] = field("mono_us"); chosen[rounds] = field("pid") }
$2 == "candidate" {
	r = rounds; t = field("tgid")
	seen[r]++
	rss = field("rss_anon_pages") + field("rss_file_pages") + field("rss_shmem_pages")
	got[r, t] = field("pid") " " field("uid") " " field("total_vm_pages") " " rss " " field("pgtables_bytes") " " \
		field("swap_pages") " " field("oom_score_adj")
	if (field("points") != "?") {
		scored++
		p = rss + field("swap_pages") + int(field("pgtables_bytes") / 4096) + \
			field("oom_score_adj") * int(total_pages[r] / 1000)
		if (p == field("points"))
			agree++
	}
}

# A round of the feed belongs to the table whose rows it explains best.
END {
	r = 0
	for (t = 1; t <= tables; t++) {
		best = -1
		for (i = r + 1; i <= rounds; i++) {
			same = 0
			for (k = 1; k <= rows[t]; k++)
				same += (got[i, order[t, k]] == want[t, order[t, k]])
			if (same > best) { best = same; at = i }
		}
		if (best < 0)
			best = 0
		else
			r = at
		all += rows[t]
		equal += best
		if (debug && best < rows[t])
			for (k = 1; k <= rows[t]; k++)
				if (got[r, order[t, k]] != want[t, order[t, k]])
					print "\n  table " t " wants " order[t, k] ": " want[t, order[t, k]] " got " got[r, order[t, k]]
	}
	printf "%d of %d rows equal in %d tables, %d rounds", equal, all, tables, rounds
	if (scored)
		printf ", points %d of %d", agree, scored
	for (i = 1; i <= rounds; i++)
		if (seen[i] > most && end[i]) { most = seen[i]; us = end[i] - begin[i] }
	printf ", aborted %d, no victim %d, kills %d, marked %d, silent %d, freed %d, lost %s", aborted, no_victim, kills, marks, silent, freed, lost == "" ? "-" : lost
	if (most)
		printf "; largest %d candidates in %d us", most, us
	printf "\n"
}
