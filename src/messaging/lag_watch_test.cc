#include "messaging/lag_watch.h"

#include <gtest/gtest.h>

namespace thaw::messaging {
namespace {

RedisReply text(std::string value) {
  return {.kind = RedisReply::Kind::kText, .text = std::move(value)};
}
RedisReply number(int64_t value) { return {.kind = RedisReply::Kind::kInteger, .integer = value}; }

RedisReply group(const std::string& name, int64_t pending, RedisReply lag) {
  return {.kind = RedisReply::Kind::kArray,
          .items = {text("name"), text(name), text("consumers"), number(1), text("pending"),
                    number(pending), text("last-delivered-id"), text("5-0"), text("entries-read"),
                    number(2), text("lag"), std::move(lag)}};
}

TEST(GroupFacts, AreThoseOfTheGroupThatIsAskedFor) {
  const RedisReply groups{.kind = RedisReply::Kind::kArray,
                          .items = {group("a", 1, number(10)), group("b", 2, number(20))}};
  const GroupFacts facts = group_facts(groups, "b");
  EXPECT_TRUE(facts.known);
  EXPECT_EQ(facts.counts.lag, 20);
  EXPECT_EQ(facts.counts.pending, 2);
  EXPECT_FALSE(group_facts(groups, "c").known);
}

TEST(GroupFacts, ALagThatRedisDoesNotKnowIsNegative) {
  const RedisReply groups{.kind = RedisReply::Kind::kArray, .items = {group("a", 1, {})}};
  const GroupFacts facts = group_facts(groups, "a");
  EXPECT_LT(facts.counts.lag, 0);
  EXPECT_EQ(facts.last_delivered, "5-0");
}

}  // namespace
}  // namespace thaw::messaging
