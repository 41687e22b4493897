#!/usr/bin/env python3
"""A question set of which a part is verified beforehand: does it help the rest, and does it harm what it says nothing of?

  retrieval_verified.py FROM TO PART    FROM: a folder with questions.jsonl and gold.json (score.py prepare)

questions  half of the questions are verified, by a hash of their number; asked are the others: many are paraphrases, or about
           the same tables
databases  all questions of half of the databases are verified; asked are those of the others, which no verified one is about
"""
import hashlib, json, os, sys


def half(text):
    return hashlib.sha256(text.encode()).digest()[0] % 2 == 0


def main():
    source, target, part = sys.argv[1:]
    os.makedirs(target, exist_ok=True)
    gold = json.load(open(f"{source}/gold.json", encoding="utf-8"))
    asked = {}
    with open(f"{source}/questions.jsonl", encoding="utf-8") as f, open(f"{target}/questions.jsonl", "w", encoding="utf-8") as ask, \
            open(f"{target}/verified.jsonl", "w", encoding="utf-8") as verified:
        for line in f:
            question = json.loads(line)
            tables = gold[str(question["id"])]
            if half(str(question["id"]) if part == "questions" else tables[0][0]):
                row = {"question": question["question"], "sql": "SELECT 1", "tables": [f"{d}.{t}" for d, t in tables]}
                verified.write(json.dumps(row, ensure_ascii=False) + "\n")
            else:
                ask.write(json.dumps(question, ensure_ascii=False) + "\n")
                asked[str(question["id"])] = tables
    with open(f"{target}/gold.json", "w", encoding="utf-8") as f:
        json.dump(asked, f, ensure_ascii=False)


if __name__ == "__main__":
    main()
