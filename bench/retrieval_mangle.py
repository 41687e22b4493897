#!/usr/bin/env python3
"""Ugly schemas from readable ones, by rules that know nothing of floe: how gracefully does retrieval degrade?

  retrieval_mangle.py FROM TO STYLE    FROM: a folder with docs.jsonl, questions.jsonl and gold.json (score.py prepare)

abbreviated  T_STDNT_ENRL.ENRL_DT: upper case, long words cut to four letters or robbed of their vowels, by a hash of the word
glued        studentenrolment.enrolmentdate
hungarian    tblStudentEnrolment.dtEnrolmentDate, prefixes by type
flat         one namespace for everything: warehouse.college_student_enrolment
nokeys       names as they are; no primary or foreign key is declared
typos        names as they are; in each question one long word has two letters swapped
"""
import hashlib, json, os, re, sys


def number(word):
    return int(hashlib.sha256(word.encode()).hexdigest()[:8], 16)


def words(name):
    return [w for w in re.split(r"[^0-9A-Za-z]+", re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)) if w]


def shorten(word):
    if len(word) <= 4 or not word.isascii() or not word.isalpha():
        return word
    rule = number(word.lower()) % 4
    if rule == 0:
        return word
    return word[:4] if rule == 1 else (word[0] + re.sub("[aeiou]", "", word[1:].lower()))[:6]


def abbreviated(name, kind):
    return ("T_" if kind == "table" else "") + "_".join(shorten(w) for w in words(name)).upper()


def glued(name, kind):
    return "".join(words(name)).lower()


def hungarian(name, kind):
    lead = {"table": "tbl", "number": "int", "time": "dt", "text": "str", "boolean": "b"}.get(kind, "")
    return lead + "".join(w[:1].upper() + w[1:].lower() for w in words(name))


def same(name, kind):
    return name


STYLES = {"abbreviated": abbreviated, "glued": glued, "hungarian": hungarian, "flat": same, "nokeys": same, "typos": same}


def mangle(docs, style):
    """The documents with other names, and (database, table) → the new pair."""
    new_name, taken = {}, {}
    for doc in docs:
        database = "warehouse" if style == "flat" else doc["database"]
        name = STYLES[style](doc["table"], "table")
        name = f"{doc['database']}_{name}" if style == "flat" else name
        taken[database, name] = taken.get((database, name), 0) + 1
        again = taken[database, name]
        new_name[doc["database"], doc["table"]] = (database, name if again == 1 else f"{name}_{again}")
    for doc in docs:
        old = doc["database"]
        column = {c["name"]: STYLES[style](c["name"], c.get("type", "text")) for c in doc["columns"]}
        other = {t: {c["name"]: STYLES[style](c["name"], c.get("type", "text")) for c in d["columns"]}
                 for d in docs for t in [d["table"]] if d["database"] == old} if doc["foreign_keys"] else {}
        keys = [{"columns": [column[c] for c in k["columns"]], "table": new_name[old, k["table"]][1],
                 "references": [other[k["table"]][c] for c in k["references"]]} for k in doc["foreign_keys"]]
        database, table = new_name[old, doc["table"]]
        yield {"database": database, "table": table, "columns": [{**c, "name": column[c["name"]]} for c in doc["columns"]],
               "primary_key": [] if style == "nokeys" else [column[c] for c in doc["primary_key"]],
               "foreign_keys": [] if style == "nokeys" else keys}, new_name


def misspell(question):
    """Swaps the second and third letter from the end of the longest word."""
    long = sorted((w for w in re.findall(r"[a-z]+", question) if len(w) >= 6), key=lambda w: (-len(w), w))
    return question.replace(long[0], long[0][:-3] + long[0][-2] + long[0][-3] + long[0][-1]) if long else question


def main():
    source, target, style = sys.argv[1:]
    os.makedirs(target, exist_ok=True)
    docs = [json.loads(line) for line in open(f"{source}/docs.jsonl", encoding="utf-8")]
    names = {}
    with open(f"{target}/docs.jsonl", "w", encoding="utf-8") as f:
        for doc, names in mangle(docs, style):
            f.write(json.dumps(doc, ensure_ascii=False) + "\n")
    gold = json.load(open(f"{source}/gold.json", encoding="utf-8"))
    known = {(d.lower(), t.lower()): new for (d, t), new in names.items()}
    with open(f"{target}/gold.json", "w", encoding="utf-8") as f:
        json.dump({q: [known[d.lower(), t.lower()] for d, t in tables] for q, tables in gold.items()}, f)
    with open(f"{source}/questions.jsonl", encoding="utf-8") as f, open(f"{target}/questions.jsonl", "w", encoding="utf-8") as g:
        for line in f:
            question = json.loads(line)
            if style == "typos":
                question["question"] = misspell(question["question"])
            g.write(json.dumps(question, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
