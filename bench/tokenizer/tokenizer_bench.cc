// Cuts a text into tokens as often as it is told, and prints how long each time took.
//
//   tokenizer_bench FOLDER TEXT_FILE
//
// A line in, "TIMES", is a line of JSON out: {"ms": [...], "ids": [...]}.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <vector>

#include "tokenize/files.h"
#include "tokenize/tokenizer.h"

namespace {

using namespace thaw;

void answer(const tokenize::Tokenizer& tokenizer, const std::string& text, int times) {
  std::vector<double> ms;
  std::vector<tokenize::Token> tokens;
  for (int i = 0; i < times; ++i) {
    const auto start = std::chrono::steady_clock::now();
    tokens = tokenizer.tokenize(text);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    ms.push_back(took.count());
  }
  std::vector<int32_t> ids;
  for (const tokenize::Token& token : tokens) ids.push_back(token.id);
  fmt::print("{{\"ms\": {}, \"ids\": {}}}\n", ms, ids);
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) {
    fmt::print(stderr, "usage: tokenizer_bench FOLDER TEXT_FILE\n");
    return 2;
  }
  const auto tokenizer = tokenize::Tokenizer::open(words[1]);
  const auto text = tokenize::read_text_file(words[2]);
  if (!tokenizer || !text) {
    const Error& error = tokenizer ? text.error() : tokenizer.error();
    fmt::print(stderr, "tokenizer_bench: {}\n", error.message());
    return 1;
  }
  for (int times = 0; std::cin >> times;) {
    if (times < 1) return 2;
    answer(*tokenizer, *text, times);
  }
}
