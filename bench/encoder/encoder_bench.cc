// Runs the encoder of a model's folder as often as it is told, and prints how long each run took.
//
//   encoder_bench FOLDER THREADS [float32|int8 [KERNELS [PANELS]]]
//
// KERNELS: "amx", "avx512", "avx2", "portable" or ""; PANELS: a folder for packed panels.
//
// A line in, "BATCH LENGTH TIMES", is a line of JSON out: {"ms": [...], "sample": [256 floats]}.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <vector>

#include "encoder/model.h"

namespace {

using namespace thaw;

std::vector<encoder::Sequence> make_sequences(int batch, int length) {
  std::vector<encoder::Sequence> made(static_cast<size_t>(batch));
  int64_t i = 0;
  for (encoder::Sequence& sequence : made) {
    sequence.types.assign(static_cast<size_t>(length), 0);
    for (int k = 0; k < length; ++k, ++i) {
      sequence.ids.push_back(static_cast<int32_t>((i * 7919 + 101) % 30'000));
    }
  }
  return made;
}

void answer(const encoder::Model& model, int batch, int length, int times) {
  constexpr size_t kSamples = 256;
  const auto sequences = make_sequences(batch, length);
  std::vector<double> ms;
  const encoder::Hidden* hidden = nullptr;
  for (int i = 0; i < times; ++i) {
    const auto start = std::chrono::steady_clock::now();
    hidden = &model.encoder().run(sequences);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    ms.push_back(took.count());
  }
  std::vector<float> sample;
  const size_t step = hidden->rows.size() / kSamples;
  for (size_t i = 0; i < kSamples; ++i) sample.push_back(hidden->rows[i * step]);
  fmt::print("{{\"ms\": {}, \"sample\": {}}}\n", ms, sample);
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) {
    fmt::print(stderr, "usage: encoder_bench FOLDER THREADS [float32|int8 [KERNELS [PANELS]]]\n");
    return 2;
  }
  encoder::ModelOptions options;
  options.threads = std::atoi(words[2]);
  if (count > 3 && words[3] == std::string_view("int8")) {
    options.precision = encoder::Precision::kInt8;
  }
  if (count > 4) options.kernels = words[4];
  if (count > 5) options.panel_folders.emplace_back(words[5]);
  const auto model = encoder::Model::open(words[1], options);
  if (!model) {
    fmt::print(stderr, "encoder_bench: {}\n", model.error().message());
    return 1;
  }
  for (int batch = 0, length = 0, times = 0; std::cin >> batch >> length >> times;) {
    if (batch < 1 || length < 1 || length > (*model)->config().longest() || times < 1) return 2;
    answer(**model, batch, length, times);
  }
}
