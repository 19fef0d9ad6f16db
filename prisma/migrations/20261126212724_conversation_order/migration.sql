CREATE SEQUENCE "agent_runtime"."run_ordinal_seq";

-- AlterTable
ALTER TABLE "agent_runtime"."run" ADD COLUMN     "ordinal" BIGINT;

-- Those that are there keep the order they had, and those to come go after them.
UPDATE "agent_runtime"."run" r SET "ordinal" = o."ordinal"
FROM (
    SELECT "id", row_number() OVER (ORDER BY "id") AS "ordinal"
    FROM "agent_runtime"."run"
    WHERE "conversation_id" IS NOT NULL
) o
WHERE o."id" = r."id";

SELECT setval('agent_runtime.run_ordinal_seq', (SELECT max("ordinal") FROM "agent_runtime"."run"));

-- Not before: each row that is there would have got one. It is for versions that do not know of the column.
ALTER TABLE "agent_runtime"."run" ALTER COLUMN "ordinal" SET DEFAULT nextval('agent_runtime.run_ordinal_seq'::regclass);
