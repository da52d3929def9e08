#!/usr/bin/env python3
"""Trains the small question answerer of this folder, from text that it makes itself.

    ./train.py [--steps N] [--out DIR]      some minutes; needs python3-torch and libopenblas0

A DistilBERT-shaped model (3 layers, 96 wide) with a WordPiece vocabulary of its own. Contexts are
made of a few kinds of sentences about invented people, places and things; the answer is always a
span. Names are put together from syllables, so that those of the held-out questions were never
seen. Writes config.json, vocab.txt, tokenizer_config.json, model.safetensors (16-bit) and
held_out.json into DIR (model/).
"""

import argparse
import json
import math
import pathlib
import random
import re
import struct

import torch
from torch import nn
from torch.nn import functional as F

WIDTH, LAYERS, HEADS, INNER, LONGEST = 96, 3, 6, 192, 160

SYLLABLES = ("ka lo mi ra ten vor sel dan ber lin mar tov ing ash wick ford mere stead hol den "
             "bury ox ley nor sou wes eas tor ville gar ric ada os win hel ena ivo pet jon sof "
             "lea max ulf ros tim bea ned ora pia qui zoe ya xan fu chi ho").split()
THINGS = "harbour museum library bridge station tower school theatre garden lighthouse market mill"
JOBS = "engineer architect mayor painter captain teacher gardener minister baker"
TOPICS = ("herring tides forests glaciers bees trade winds clocks salt maps stars bread rivers "
          "music roads coal silk paper")
GOODS = "lamp table bicycle clock violin kettle camera tent boat chair radio mirror"
MONEY = "euros dollars crowns pounds francs"
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
VERBS = {"opened": "open", "built": "build", "designed": "design", "painted": "paint",
         "closed": "close", "restored": "restore", "bought": "buy"}


class Maker:
    """Sentences with their questions: (text, [(question, answer)])."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def name(self, least=2, most=3):
        parts = self.random.choices(SYLLABLES, k=self.random.randint(least, most))
        return "".join(parts).capitalize()

    def person(self):
        return f"{self.name(1, 2)} {self.name(2, 2)}"

    def word(self, words):
        return self.random.choice(words.split())

    def building(self):
        r, thing, place = self.random, self.word(THINGS), self.name()
        verb, root = r.choice(list(VERBS.items()))
        who, when = self.person(), str(r.randint(1500, 2025))
        role = f"the {self.word(JOBS)} " if r.random() < 0.5 else ""
        subject = f"the {thing} of {place}"
        text = r.choice([f"The {thing} of {place} was {verb} in {when} by {role}{who}.",
                         f"In {when} {role}{who} {verb} {subject}.",
                         f"The {thing} of {place}, {verb} by {role}{who}, dates from {when}."])
        text = text[0].upper() + text[1:]
        when_asked = "When" if r.random() < 0.7 else "In which year"
        return text, [(f"Who {verb} {subject}?", who),
                      (f"{when_asked} was {subject} {verb}?", when),
                      (f"Who {verb} the {thing}?", who),
                      (f"When did {who} {root} {subject}?", when)]

    def report(self):
        who, topic, city = self.person(), self.word(TOPICS), self.name()
        kind = self.random.choice(["report", "book", "letter", "song"])
        subject = f"the {kind} about {topic}"
        text = self.random.choice([f"{who} wrote {subject} in {city}.",
                                   f"The {kind} about {topic} was written by {who} in {city}."])
        return text, [(f"Who wrote {subject}?", who), (f"Where was {subject} written?", city),
                      (f"Who wrote the {kind}?", who), ("Who wrote it?", who),
                      (f"What did {who} write?", text[text.lower().index(subject):][:len(subject)])]

    def goods(self):
        r, what = self.random, self.word(GOODS)
        price, weight = f"{r.randint(2, 999)} {self.word(MONEY)}", f"{r.randint(1, 90)} kilograms"
        text = r.choice([f"The {what} costs {price} and weighs {weight}.",
                         f"A {what} weighs {weight} and its price is {price}."])
        return text, [(f"How much does the {what} cost?", price),
                      (f"What is the price of the {what}?", price),
                      (f"How heavy is the {what}?", weight),
                      (f"How much does the {what} weigh?", weight)]

    def company(self):
        r, firm, city, who = self.random, self.name(2, 2), self.name(), self.person()
        count = f"{r.randint(3, 9)},{r.randint(100, 999)}" if r.random() < 0.4 else str(
            r.randint(2, 900))
        text = r.choice([f"{firm} was founded in {city} by {who} and has {count} employees.",
                         f"With {count} employees, {firm} works in {city}; {who} founded it."])
        return text, [(f"Who founded {firm}?", who),
                      (f"How many employees does {firm} have?", count),
                      (f"Where does {firm} work?" if "works" in text else
                       f"Where was {firm} founded?", city)]

    def capital(self):
        country, city = self.name(), self.name()
        text = self.random.choice([f"The capital of {country} is {city}.",
                                   f"{city} is the capital of {country}."])
        return text, [(f"What is the capital of {country}?", city),
                      (f"Which city is the capital of {country}?", city)]

    def train(self):
        r, day, start, end = self.random, self.word(DAYS), self.name(), self.name()
        time = f"{r.randint(1, 12)} o'clock"
        text = r.choice([f"Every {day} at {time} the train leaves {start} for {end}.",
                         f"The train from {start} to {end} leaves on {day} at {time}."])
        return text, [(f"When does the train to {end} leave?", text[text.index(day):][
                          :len(f"{day} at {time}")]),
                      ("Where does the train leave from?", start),
                      (f"Where does the train from {start} go?", end)]

    def filler(self):
        return self.random.choice(["It was raining that morning.", "Nobody knew why.",
                                   "Many visitors come to see it every spring.",
                                   "The road is long and quiet.", "It has two doors."]), []

    def example(self):
        kinds = [self.building, self.report, self.goods, self.company, self.capital, self.train]
        asked = self.random.choice(kinds)()
        others = [self.random.choice([*kinds, self.filler])()
                  for _ in range(self.random.randint(0, 3))]
        place = self.random.randint(0, len(others))
        texts = [text for text, _ in others]
        texts.insert(place, asked[0])
        question, answer = self.random.choice(asked[1])
        before = " ".join(texts[:place])
        start = len(before) + (1 if before else 0) + asked[0].index(answer)
        return " ".join(texts), question, answer, start


def words_of(text):
    """BERT's basic tokens of plain ASCII: (lower case, start, end)."""
    return [(m.group().lower(), m.start(), m.end())
            for m in re.finditer(r"[A-Za-z0-9]+|[^\sA-Za-z0-9]", text)]


def make_vocabulary():
    counts = {}
    maker = Maker(1)
    for _ in range(20000):
        context, question, _, _ = maker.example()
        for word, _, _ in words_of(context + " " + question):
            counts[word] = counts.get(word, 0) + 1
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    whole = sorted(w for w, n in counts.items() if n > 150 and len(w) > 1 and not w.isdigit())
    signs = "!\"#$%&'()*+,-./:;<=>?@[]_"
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *signs, *letters,
                  *("##" + c for c in letters), *whole, *SYLLABLES,
                  *("##" + syllable for syllable in SYLLABLES)]
    return list(dict.fromkeys(vocabulary))


class Tokenizer:
    def __init__(self, vocabulary):
        self.ids = {token: i for i, token in enumerate(vocabulary)}

    def pieces(self, text):
        for word, begin, _ in words_of(text):
            at, found = 0, []
            while at < len(word):
                end = len(word)
                while end > at and (("##" if at else "") + word[at:end]) not in self.ids:
                    end -= 1
                if end == at:
                    found = [("[UNK]", begin, begin + len(word))]
                    break
                found.append((("##" if at else "") + word[at:end], begin + at, begin + end))
                at = end
            yield from ((self.ids[piece], a, b) for piece, a, b in found)

    def encode(self, question, context):
        """Ids and, for the context's pieces, where they are; None when it is too long."""
        asked, read = list(self.pieces(question)), list(self.pieces(context))
        ids = [2, *(i for i, _, _ in asked), 3, *(i for i, _, _ in read), 3]
        spans = [None] * (len(asked) + 2) + [(a, b) for _, a, b in read] + [None]
        return (ids, spans) if len(ids) <= LONGEST else None


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH, 1e-12), nn.LayerNorm(WIDTH, 1e-12)
        self.up, self.down = nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH)

    def forward(self, x, hidden):
        batch, length, _ = x.shape
        q, k, v = (part(x).view(batch, length, HEADS, -1).transpose(1, 2)
                   for part in (self.q, self.k, self.v))
        scores = q @ k.transpose(2, 3) / math.sqrt(WIDTH // HEADS) + hidden[:, None, None, :]
        mixed = (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, length, WIDTH)
        x = self.norm1(x + self.out(mixed))
        return self.norm2(x + self.down(F.gelu(self.up(x))))


class Reader(nn.Module):
    def __init__(self, tokens):
        super().__init__()
        self.words, self.places = nn.Embedding(tokens, WIDTH), nn.Embedding(LONGEST, WIDTH)
        nn.init.normal_(self.words.weight, std=0.05)
        nn.init.normal_(self.places.weight, std=0.05)
        self.norm = nn.LayerNorm(WIDTH, 1e-12)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.ends = nn.Linear(WIDTH, 2)

    def forward(self, ids):
        hidden = (ids == 0).float() * -1e9
        x = self.norm(self.words(ids) + self.places.weight[:ids.shape[1]])
        for layer in self.layers:
            x = layer(x, hidden)
        return self.ends(x) + hidden[..., None]


def batch_of(maker, tokenizer, size):
    rows = []
    while len(rows) < size:
        context, question, answer, start = maker.example()
        encoded = tokenizer.encode(question, context)
        if not encoded:
            continue
        ids, spans = encoded
        first = next(i for i, s in enumerate(spans) if s and s[0] == start)
        last = next(i for i, s in enumerate(spans) if s and s[1] == start + len(answer))
        rows.append((ids, first, last))
    longest = max(len(ids) for ids, _, _ in rows)
    ids = torch.tensor([r[0] + [0] * (longest - len(r[0])) for r in rows])
    return ids, torch.tensor([r[1] for r in rows]), torch.tensor([r[2] for r in rows])


def answer(model, tokenizer, question, context):
    ids, spans = tokenizer.encode(question, context)
    with torch.no_grad():
        start, end = model(torch.tensor([ids]))[0].unbind(-1)
    best = max(((start[i] + end[j]).item(), i, j) for i, s in enumerate(spans) if s
               for j in range(i, min(i + 15, len(ids))) if spans[j])
    return context[spans[best[1]][0]:spans[best[2]][1]]


def save(model, folder, vocabulary):
    names = {"words.weight": "embeddings.word_embeddings.weight",
             "places.weight": "embeddings.position_embeddings.weight",
             "norm.weight": "embeddings.LayerNorm.weight", "norm.bias": "embeddings.LayerNorm.bias"}
    parts = {"q": "attention.q_lin", "k": "attention.k_lin", "v": "attention.v_lin",
             "out": "attention.out_lin", "norm1": "sa_layer_norm", "norm2": "output_layer_norm",
             "up": "ffn.lin1", "down": "ffn.lin2"}
    header, data = {}, b""
    for name, tensor in model.state_dict().items():
        pieces = name.split(".")
        if name.startswith("layers."):
            theirs = f"distilbert.transformer.layer.{pieces[1]}.{parts[pieces[2]]}.{pieces[3]}"
        elif name.startswith("ends."):
            theirs = f"qa_outputs.{pieces[1]}"
        else:
            theirs = "distilbert." + names[name]
        raw = tensor.half().contiguous().numpy().tobytes()
        header[theirs] = {"dtype": "F16", "shape": list(tensor.shape),
                          "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"do_lower_case": True, "model_max_length": LONGEST,
         "tokenizer_class": "DistilBertTokenizer"}, indent=2) + "\n")
    (folder / "config.json").write_text(json.dumps(
        {"architectures": ["DistilBertForQuestionAnswering"], "model_type": "distilbert",
         "activation": "gelu", "dim": WIDTH, "hidden_dim": INNER, "n_heads": HEADS,
         "n_layers": LAYERS, "max_position_embeddings": LONGEST, "vocab_size": len(vocabulary),
         "pad_token_id": 0, "sinusoidal_pos_embds": False}, indent=2) + "\n")


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--steps", type=int, default=4000)
    words.add_argument("--out", type=pathlib.Path,
                       default=pathlib.Path(__file__).resolve().parent / "model")
    options = words.parse_args()
    torch.set_num_threads(1)  # small products: a second thread waits more than it works
    torch.manual_seed(1)
    vocabulary = make_vocabulary()
    tokenizer, model, maker = Tokenizer(vocabulary), Reader(len(vocabulary)), Maker(2)
    print(f"{len(vocabulary)} tokens, {sum(p.numel() for p in model.parameters())} weights")
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=options.steps,
                                               pct_start=0.1)
    for step in range(options.steps):
        ids, first, last = batch_of(maker, tokenizer, 32)
        start, end = model(ids).unbind(-1)
        loss = F.cross_entropy(start, first) + F.cross_entropy(end, last)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        plan.step()
        if step % 200 == 0:
            print(f"step {step}: loss {loss.item():.3f}", flush=True)
    model.half().float()  # as it is saved
    options.out.mkdir(parents=True, exist_ok=True)
    save(model, options.out, vocabulary)
    fresh, held_out, right = Maker(3), [], 0
    while len(held_out) < 500:
        context, question, wanted, _ = fresh.example()
        if not tokenizer.encode(question, context):
            continue
        right += answer(model, tokenizer, question, context) == wanted
        held_out.append({"context": context, "question": question, "answer": wanted})
    print(f"held-out questions answered right: {right} of {len(held_out)}")
    (options.out / "held_out.json").write_text(json.dumps(held_out[:100], indent=1) + "\n")


if __name__ == "__main__":
    main()
