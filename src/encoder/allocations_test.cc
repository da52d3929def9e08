// Passes of the encoder take memory when they are larger than all before, and else none.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <new>

#include "encoder/model.h"

namespace {
std::atomic<int64_t> allocations = 0;
}  // namespace

// All of this test program's; nothing but the count differs from the library's.
[[gnu::noinline]] void* operator new(size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = ::malloc(size > 0 ? size : 1)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(size_t size, const std::nothrow_t&) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return ::malloc(size > 0 ? size : 1);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { ::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { ::free(memory); }

namespace thaw::encoder {
namespace {

std::vector<Sequence> sequences(std::initializer_list<int> lengths) {
  std::vector<Sequence> made;
  for (const int length : lengths) {
    Sequence& sequence = made.emplace_back();
    for (int i = 0; i < length; ++i) sequence.ids.push_back(5 + i % 40);
    sequence.types.assign(sequence.ids.size(), 0);
  }
  return made;
}

int64_t allocations_of(const Model& model, const std::vector<Sequence>& batch) {
  const int64_t before = allocations;
  EXPECT_FALSE(model.encoder().run(batch).rows.empty());
  return allocations - before;
}

class Allocations : public testing::TestWithParam<Precision> {};

TEST_P(Allocations, APassAllocatesNothingAfterTheFirstOfItsShape) {
  for (const int threads : {1, 2}) {
    ModelOptions options = {.threads = threads, .precision = GetParam()};
    const auto model =
        Model::open(THAW_SOURCE_DIR "/tests/data/encoders/distilbert-qa", options).value();
    const auto one = sequences({30}), many = sequences({9, 30, 4}), less = sequences({7, 2});
    EXPECT_GT(allocations_of(*model, one), 0) << "the count works";
    EXPECT_EQ(allocations_of(*model, one), 0);
    EXPECT_GT(allocations_of(*model, many), 0);
    EXPECT_EQ(allocations_of(*model, many), 0);
    EXPECT_EQ(allocations_of(*model, less), 0);
    EXPECT_EQ(allocations_of(*model, one), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(EachPrecision, Allocations,
                         testing::Values(Precision::kFloat32, Precision::kInt8));

}  // namespace
}  // namespace thaw::encoder
