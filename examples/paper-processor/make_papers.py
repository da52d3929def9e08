#!/usr/bin/env python3
"""Writes papers that nobody wrote: title, authors, abstract, sections, references.

    make_papers.py FOLDER COUNT

Always the same ones: paper N is made from the seed N. Every fiftieth is a PDF, the others are text.
"""

import pathlib
import random
import sys

TOPICS = ("sparse attention", "cold starts", "time series", "graph matching", "stream processing",
          "weight quantization", "question answering", "memory reclaim", "batch scheduling")
DOINGS = ("A Study of", "Fast", "On the Cost of", "Learning", "Bounds for", "Rethinking")
FIRST = ("Ada", "Bela", "Chen", "Dora", "Emil", "Fatma", "Goran", "Hana", "Ines", "Jun")
LAST = ("Abel", "Brandt", "Costa", "Diaz", "Endo", "Fischer", "Gupta", "Horvat", "Ito", "Jensen")
SECTIONS = ("Introduction", "Related Work", "Method", "Experiments", "Discussion", "Conclusion")
WORDS = ("we measure model latency under load and find that memory imports dominate while queues "
         "stay short because workers wait for streams whose entries arrive in bursts so batches "
         "grow and the median falls with each instance that is kept warm").split()


def sentence(rng):
    text = " ".join(rng.choices(WORDS, k=rng.randint(8, 16)))
    return text[0].upper() + text[1:] + "."


def paragraph(rng):
    return " ".join(sentence(rng) for _ in range(rng.randint(3, 6)))


def paper(number):
    """The lines of paper `number`."""
    rng = random.Random(number)
    authors = [f"{rng.choice(FIRST)} {rng.choice(LAST)}" for _ in range(rng.randint(1, 4))]
    lines = [f"{rng.choice(DOINGS)} {rng.choice(TOPICS).title()} {number}", ", ".join(authors), "",
             "Abstract", paragraph(rng), ""]
    for index, name in enumerate(SECTIONS, 1):
        lines += [f"{index} {name}", paragraph(rng), paragraph(rng), ""]
    lines.append("References")
    for index in range(1, rng.randint(4, 9)):
        lines.append(f"[{index}] {rng.choice(FIRST)} {rng.choice(LAST)}. "
                     f"{rng.choice(DOINGS)} {rng.choice(TOPICS)}. {rng.randint(1990, 2025)}.")
    return lines


def wrapped(lines, width=90):
    for line in lines:
        while len(line) > width:
            cut = line.rfind(" ", 0, width)
            yield line[:cut]
            line = line[cut + 1:]
        yield line


def pdf(lines):
    """The smallest PDF that shows these lines of plain ASCII: one font, 55 lines a page."""
    rows = list(wrapped(lines))
    pages = [rows[i:i + 55] for i in range(0, len(rows), 55)]
    objects = ["<</Type/Catalog/Pages 2 0 R>>",
               "<</Type/Pages/Count {}/Kids[{}]>>".format(
                   len(pages), " ".join(f"{4 + 2 * i} 0 R" for i in range(len(pages)))),
               "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    for index, page in enumerate(pages):
        objects.append("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents "
                       f"{5 + 2 * index} 0 R/Resources<</Font<</F1 3 0 R>>>>>>")
        shown = "".join("({}) Tj T*\n".format(row.replace("\\", "\\\\").replace("(", "\\(")
                                              .replace(")", "\\)")) for row in page)
        text = f"BT /F1 10 Tf 14 TL 50 800 Td\n{shown}ET"
        objects.append(f"<</Length {len(text)}>>stream\n{text}\nendstream")
    out, places = "%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj{body}endobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    out += (f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
            f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{len(out)}\n%%EOF\n")
    return out.encode("ascii")


def write(folder, count, with_pdf=True):
    """Paths of the papers, in order."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(count):
        lines = paper(number)
        if with_pdf and number % 50 == 7:
            path = folder / f"paper-{number:05}.pdf"
            path.write_bytes(pdf(lines))
        else:
            path = folder / f"paper-{number:05}.txt"
            path.write_text("\n".join(lines) + "\n")
        paths.append(path)
    return paths


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    print(len(write(sys.argv[1], int(sys.argv[2]))), "papers")
