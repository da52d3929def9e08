#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "world.h"

namespace thaw::sim {
namespace {

TEST(SimLoop, RunsInTheOrderOfTime) {
  Random random(1);
  SimLoop loop(random);
  std::string said;
  const io::Timer b = loop.after(seconds(2), [&] { said += "b"; });
  const io::Timer a = loop.after(seconds(1), [&] { said += "a"; });
  {
    const io::Timer cancelled = loop.after(seconds(1), [&] { said += "x"; });
  }
  loop.post([&] { said += "p"; });
  loop.run_until(Instant(seconds(1.5)));
  EXPECT_EQ(said, "pa");
  EXPECT_EQ(loop.now(), Instant(seconds(1.5)));
  loop.run();
  EXPECT_EQ(said, "pab");
  EXPECT_EQ(loop.pending(), 0U);
}

TEST(SimLoop, TheOrderOfEqualTimesDependsOnTheSeed) {
  std::set<std::string> orders;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    SimLoop loop(random);
    std::string said;
    const io::Timer a = loop.after(seconds(1), [&] { said += "a"; });
    const io::Timer b = loop.after(seconds(1), [&] { said += "b"; });
    loop.run();
    orders.insert(said);
  }
  EXPECT_EQ(orders, (std::set<std::string>{"ab", "ba"}));
}

TEST(World, TheSameSeedIsTheSameTrace) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    const Outcome first = World({.seed = seed}).run();
    const auto elsewhere = std::make_unique<std::array<char, 4096>>();  // other addresses
    const Outcome second = World({.seed = seed}).run();
    EXPECT_EQ(first.hash, second.hash) << seed;
    EXPECT_EQ(first.steps, second.steps) << seed;
    EXPECT_EQ(first.answers, second.answers) << seed;
  }
}

TEST(World, OtherSeedsAreOtherTraces) {
  EXPECT_NE(World({.seed = 1}).run().hash, World({.seed = 2}).run().hash);
}

TEST(World, SeedsTogetherSeeEveryKindOfAnswer) {
  std::map<int, int> answers;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    for (const auto& [status, count] : World({.seed = seed}).run().answers) {
      answers[status] += count;
    }
  }
  for (const int status : {0, 200, 429, 500, 503, 504}) EXPECT_GT(answers[status], 0) << status;
}

/// Every check fails when what it checks is broken.
class Mutations : public testing::TestWithParam<std::pair<Mutation, std::string>> {};

TEST_P(Mutations, AreSeen) {
  const auto& [mutation, expected] = GetParam();
  int seen = 0;
  std::string other;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Outcome outcome = World({.seed = seed, .mutation = mutation}).run();
    bool here = false;
    for (const std::string& violation : outcome.violations) {
      if (violation.find(expected) != std::string::npos)
        here = true;
      else
        other = violation;
    }
    seen += here ? 1 : 0;
  }
  EXPECT_GE(seen, 5) << "in 20 seeds; another violation: " << other;
}

INSTANTIATE_TEST_SUITE_P(
    Each, Mutations,
    testing::Values(std::pair{Mutation::kOneMoreAtOnce, "requests at once, limit"},
                    std::pair{Mutation::kOneMoreInstance, "are allowed"},
                    std::pair{Mutation::kLateZero, "beyond the idle time"},
                    std::pair{Mutation::kLostBill, "was billed"},
                    std::pair{Mutation::kLostAnswer, "waits past its deadline"},
                    std::pair{Mutation::kSecondAnswer, "gets a second answer"},
                    std::pair{Mutation::kLateAnswer, "waits past its deadline"},
                    std::pair{Mutation::kInsideCall, "comes inside a call"},
                    std::pair{Mutation::kOneLine, "is served twice while"}));

}  // namespace
}  // namespace thaw::sim
