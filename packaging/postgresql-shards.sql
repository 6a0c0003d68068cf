-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- Turns an empty fleet's database into a coordinator: its tables become partitioned by a hash of host_id, and each partition
-- is the table of the same name on a shard, through postgres_fdw.  docs/FLEET.md says what to do before and after.
--
--   psql -f postgresql-shards.sql postgresql://coordinator/fleet
--
-- The shards are the foreign servers that are called oomlens_shard_0, oomlens_shard_1 ...  A host belongs to its shard for
-- good, so have as many as you will ever need: several may be databases of one machine, and move to another one later.

\set ON_ERROR_STOP on
BEGIN;

DO $$
DECLARE
	home oid := (SELECT relnamespace FROM pg_class WHERE oid = 'oomlens_schema'::regclass);
	shards integer := (SELECT count(*) FROM pg_foreign_server WHERE srvname ~ '^oomlens_shard_[0-9]+$');
	there integer := (SELECT count(*) FROM pg_foreign_server AS s
		JOIN generate_series(0, shards - 1) AS i ON s.srvname = 'oomlens_shard_' || i);
	t record;
	v record;
	n bigint;
BEGIN
	IF shards = 0 OR there <> shards THEN
		RAISE 'the shards must be foreign servers called oomlens_shard_0, oomlens_shard_1 ... without gaps';
	END IF;
	-- The views stand on the tables, which are replaced.
	CREATE TEMPORARY TABLE kept ON COMMIT DROP AS
		SELECT relname AS name, pg_get_viewdef(oid) AS text FROM pg_class
		WHERE relkind = 'v' AND relnamespace = home AND relname LIKE 'v\_%';
	FOR v IN SELECT * FROM kept LOOP
		EXECUTE format('DROP VIEW %I', v.name);
	END LOOP;
	FOR t IN SELECT c.relname AS name FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
		WHERE c.relkind = 'r' AND c.relnamespace = home AND a.attname = 'host_id' LOOP
		EXECUTE format('SELECT count(*) FROM %I', t.name) INTO n;
		IF n > 0 THEN
			RAISE 'the table % is not empty: make the coordinator first, and merge then', t.name;
		END IF;
		EXECUTE format('ALTER TABLE %I RENAME TO was_local', t.name);
		EXECUTE format('CREATE TABLE %I (LIKE was_local) PARTITION BY HASH (host_id)', t.name);
		DROP TABLE was_local;
		FOR i IN 0 .. shards - 1 LOOP
			EXECUTE format('CREATE FOREIGN TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS %s, REMAINDER %s) '
				'SERVER oomlens_shard_%s OPTIONS (table_name %L)', t.name || '_' || i, t.name, shards, i, i, t.name);
		END LOOP;
	END LOOP;
	FOR v IN SELECT * FROM kept LOOP
		EXECUTE format('CREATE VIEW %I AS %s', v.name, v.text);
	END LOOP;
	-- Each shard counts and sums its own rows.
	EXECUTE format('ALTER DATABASE %I SET enable_partitionwise_aggregate = on', current_database());
	EXECUTE format('ALTER DATABASE %I SET enable_partitionwise_join = on', current_database());
END
$$;

COMMIT;
