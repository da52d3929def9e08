#include "telemetry/price_store.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "store/state.h"

namespace thaw::telemetry {
namespace {

class PriceStoreTest : public ::testing::Test {
 protected:
  static PriceStore::Row row(const std::string& revision, const std::string& prices,
                             const std::string& updated = "2026-01-01T00:00:00Z") {
    return {RevisionId(revision), ServiceId("s"), prices, updated};
  }

  std::unique_ptr<store::Database> database_ =
      *store::open_state(":memory:", "2026-01-01T00:00:00Z");
  PriceStore store_{*database_};
};

TEST_F(PriceStoreTest, WhatWasSavedLastIsLoaded) {
  EXPECT_TRUE(store_.load()->empty());
  ASSERT_TRUE(store_.save({row("a", "v1 one"), row("b", "v1 two")}));
  ASSERT_TRUE(store_.save({row("a", "v1 three")}));
  const auto rows = store_.load();
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_EQ((*rows)[0].revision.str(), "a");
  EXPECT_EQ((*rows)[0].prices, "v1 three");
  EXPECT_EQ((*rows)[1].prices, "v1 two");
}

TEST_F(PriceStoreTest, TheLongestUnchangedGoFirst) {
  std::vector<PriceStore::Row> rows;
  for (int i = 0; i < PriceStore::kMost + 10; ++i) {
    rows.push_back(row(fmt::format("r{:05}", i), "v1", fmt::format("2026-01-01T00:{:05}", i)));
  }
  ASSERT_TRUE(store_.save(rows));
  const auto kept = store_.load();
  ASSERT_EQ(kept->size(), static_cast<size_t>(PriceStore::kMost));
  EXPECT_EQ(kept->front().revision.str(), "r00010");
}

TEST_F(PriceStoreTest, AServicesPricesGoWithIt) {
  ASSERT_TRUE(store_.save({row("a", "v1")}));
  ASSERT_TRUE(store_.remove(ServiceId("other")));
  EXPECT_EQ(store_.load()->size(), 1U);
  ASSERT_TRUE(store_.remove(ServiceId("s")));
  EXPECT_TRUE(store_.load()->empty());
}

}  // namespace
}  // namespace thaw::telemetry
