#!/usr/bin/env python3
"""The peer of bench/retrieval.sh: SQLite's FTS5 with its porter tokenizer, one document a table, as anybody would set it up.

  retrieval_fts5.py SET K    SET: a folder with docs.jsonl and questions.jsonl; prints answers as `floe search --batch` does
"""
import json, re, sqlite3, sys


def main():
    folder, k = sys.argv[1], int(sys.argv[2])
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE docs USING fts5(place UNINDEXED, space, name, columns, tokenize = 'porter unicode61')")
    with open(f"{folder}/docs.jsonl", encoding="utf-8") as f:
        for line in f:
            doc = json.loads(line)
            place = json.dumps([doc["database"], doc["table"]])
            columns = " ".join(column["name"] for column in doc["columns"])
            db.execute("INSERT INTO docs VALUES (?, ?, ?, ?)", (place, doc["database"].replace("_", " "), doc["table"], columns))
    with open(f"{folder}/questions.jsonl", encoding="utf-8") as f:
        for line in f:
            question = json.loads(line)
            words = re.findall(r"\w+", question["question"])
            match = " OR ".join(f'"{word}"' for word in words)
            rows = db.execute("SELECT place, bm25(docs, 0, 1, 2, 1) FROM docs WHERE docs MATCH ? ORDER BY 2 LIMIT ?", (match, k))
            hits = [dict(zip(("kind", "database", "table", "score"), ("table", *json.loads(place), -score))) for place, score in rows]
            print(json.dumps({"id": question["id"], "hits": hits}))


if __name__ == "__main__":
    main()
