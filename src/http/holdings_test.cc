#include "http/holdings.h"

#include <gtest/gtest.h>

#include <memory>

namespace thaw::http {
namespace {

constexpr size_t kFree = Holdings::kFree;

struct FakeClock final : io::Clock {
  Instant now() const override { return at; }
  WallTime wall_now() const override { return {}; }
  Instant at{};
};

struct Client final : Holder {
  Client(Holdings& all, std::string from) : hold(all, *this), name(std::move(from)) {}
  std::string address() const override { return name; }
  void give_way() override { ++told; }
  /// In thousands, none of them free.
  bool set(size_t thousands) { return hold.set(thousands * 1000, kFree + 1); }
  Holdings::Hold hold;
  std::string name;
  int told = 0;
};

class HoldingsTest : public testing::Test {
 protected:
  FakeClock clock;
  Holdings all{100'000, clock};
  void pass(double count) { clock.at += seconds(count); }
};

TEST_F(HoldingsTest, OneAloneMayBeOfAnySizeAndTheFirstBytesAreFree) {
  Client large(all, "a"), small(all, "b");
  EXPECT_TRUE(large.set(1'000'000));
  EXPECT_TRUE(small.hold.set(kFree));
  EXPECT_EQ(all.bytes(), 1'000'000'000u);
  EXPECT_TRUE(small.set(100)) << "as much as all the others may have";
  large.hold.empty();
  EXPECT_EQ(all.bytes(), 100'000u);
  EXPECT_EQ(large.told + small.told, 0);
}

TEST_F(HoldingsTest, TheSlowOneGivesWayAndNotWhoCameLast) {
  Client slow(all, "a"), other(all, "b"), last(all, "c");
  EXPECT_TRUE(slow.set(60));
  pass(10);
  EXPECT_TRUE(other.set(70));
  EXPECT_TRUE(last.set(80)) << "too much with the others";
  EXPECT_EQ(slow.told, 1);
  EXPECT_EQ(other.told, 0);
  EXPECT_TRUE(slow.hold.is_over());
  EXPECT_EQ(all.bytes(), 150'000u) << "what is to go counts no more";
  EXPECT_FALSE(slow.set(61));
  slow.hold.empty();
  EXPECT_FALSE(slow.hold.is_over());
  EXPECT_TRUE(slow.set(1)) << "its next one is new";
}

TEST_F(HoldingsTest, OneTurnsHoldsAreToldApartBySize) {
  Client one(all, "a"), two(all, "b"), three(all, "c");
  EXPECT_TRUE(one.set(60));
  EXPECT_TRUE(two.set(90));
  EXPECT_TRUE(three.set(61));
  EXPECT_EQ(two.told, 1);
}

TEST_F(HoldingsTest, WhoGrowsTooMuchIsToldSo) {
  Client one(all, "a"), two(all, "b"), three(all, "c");
  EXPECT_TRUE(one.set(60));
  EXPECT_TRUE(two.set(61));
  EXPECT_TRUE(three.set(20));
  EXPECT_FALSE(three.set(90)) << "the costliest is itself";
  EXPECT_TRUE(three.hold.is_over());
  EXPECT_EQ(one.told + two.told + three.told, 0) << "it is known by the answer";
}

TEST_F(HoldingsTest, ManyConnectionsOfOneClientAreOneClients) {
  std::vector<std::unique_ptr<Client>> many;
  for (int i = 0; i < 8; ++i) {
    many.push_back(std::make_unique<Client>(all, "many"));
    EXPECT_TRUE(many.back()->set(10));
  }
  Client honest(all, "honest"), last(all, "last");
  EXPECT_TRUE(honest.set(40));
  pass(1);
  EXPECT_TRUE(last.set(40));
  int told = 0;
  for (const auto& each : many) told += each->told;
  EXPECT_EQ(told, 2);
  EXPECT_EQ(honest.told, 0) << "its one is the largest, theirs are more";
}

TEST_F(HoldingsTest, TheFirstBytesOfAConnectionAreFreeAndNotOfEachMessage) {
  Client one(all, "a"), two(all, "a");
  EXPECT_TRUE(one.hold.set(10'000, 10'000));
  EXPECT_EQ(all.bytes(), 0u);
  EXPECT_TRUE(two.hold.set(10'000, 20'000));
  EXPECT_EQ(all.bytes(), 10'000u);
  EXPECT_TRUE(two.hold.set(5'000, 15'000));
  EXPECT_EQ(all.bytes(), 5'000u) << "what is counted once is counted on";
}

TEST_F(HoldingsTest, WhoGoesHoldsNothing) {
  {
    Client gone(all, "a"), other(all, "b");
    EXPECT_TRUE(gone.set(10));
    EXPECT_TRUE(other.set(20));
    EXPECT_EQ(all.bytes(), 30'000u);
  }
  EXPECT_EQ(all.bytes(), 0u);
}

}  // namespace
}  // namespace thaw::http
