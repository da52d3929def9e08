#include "domains/renewal.h"

#include <gtest/gtest.h>

#include <random>

namespace thaw::domains {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr WallTime kStart = WallTime(hours(24 * 20'000));
constexpr uint64_t kLeast = 0;
constexpr uint64_t kMost = ~0ULL;

TEST(Renewal, WithoutACertificateOneIsDueAtOnce) {
  const Renewal renewal;
  EXPECT_LE(renewal.due(), kStart);
  EXPECT_FALSE(renewal.is_valid(kStart));
}

TEST(Renewal, TwoThirdsOfALifeAndALittleMore) {
  Renewal renewal;
  renewal.on_certificate({kStart, kStart + hours(24 * 90)}, kLeast);
  EXPECT_EQ(renewal.due(), kStart + hours(24 * 60));
  renewal.on_certificate({kStart, kStart + hours(24 * 90)}, kMost);
  EXPECT_GT(renewal.due(), kStart + hours(24 * 60));
  EXPECT_LE(renewal.due(), kStart + hours(24 * 60) + Duration(hours(24 * 90)) / 100);
  EXPECT_TRUE(renewal.is_valid(kStart + hours(24 * 90) - hours(1)));
  EXPECT_FALSE(renewal.is_valid(kStart + hours(24 * 90)));
}

TEST(Renewal, FailuresComeLaterAndLaterUpToHalfADay) {
  Renewal renewal;
  const Duration usual[] = {minutes(3),  minutes(6),   minutes(12),  minutes(24), minutes(48),
                            minutes(96), minutes(192), minutes(384), hours(12),   hours(12)};
  for (const Duration pause : usual) {
    Renewal least = renewal;
    least.on_failure(kStart, std::nullopt, kLeast);
    EXPECT_EQ(least.due(), kStart + pause * 3 / 4);
    renewal.on_failure(kStart, std::nullopt, kMost);
    EXPECT_GT(renewal.due(), kStart + pause);
    EXPECT_LE(renewal.due(), kStart + pause * 5 / 4);
  }
}

TEST(Renewal, TheServersWordCountsWhenItIsLonger) {
  Renewal renewal;
  renewal.on_failure(kStart, hours(30), kLeast);
  EXPECT_EQ(renewal.due(), kStart + hours(30));
  renewal.on_failure(kStart, Duration(1), kLeast);
  EXPECT_EQ(renewal.due(), kStart + Duration(minutes(6)) * 3 / 4);
  renewal.on_failure(kStart, hours(24 * 365), kLeast);
  EXPECT_EQ(renewal.due(), kStart + hours(24 * 8));
}

TEST(Renewal, AFailedRenewalIsTriedAgainBeforeTheEnd) {
  Renewal renewal;
  renewal.on_certificate({kStart, kStart + hours(24 * 90)}, kLeast);
  const WallTime at = renewal.due();
  renewal.on_failure(at, std::nullopt, kLeast);
  EXPECT_GT(renewal.due(), at);
  EXPECT_LT(renewal.due(), at + minutes(4));
  EXPECT_EQ(renewal.failures(), 1);
  renewal.on_asked();
  EXPECT_EQ(renewal.due(), at);
  renewal.on_certificate({at, at + hours(24 * 90)}, kLeast);
  EXPECT_EQ(renewal.failures(), 0);
}

/// A year of days with a server that is away now and then: the certificate is never missed, and no
/// hour sees more than five attempts.
TEST(Renewal, AYearPassesWithoutAnEndAndWithoutHaste) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    std::mt19937_64 random(seed);
    Renewal renewal;
    renewal.on_certificate({kStart, kStart + hours(24 * 90)}, random());
    WallTime now = kStart;
    std::vector<WallTime> attempts;
    while (now < kStart + hours(24 * 365)) {
      now = std::max(now, renewal.due());
      EXPECT_TRUE(renewal.is_valid(now)) << seed;
      attempts.push_back(now);
      const size_t count = attempts.size();
      if (count > 5) {
        EXPECT_GT(now - attempts[count - 6], hours(1)) << seed;
      }
      if (random() % 3 == 0) {
        renewal.on_certificate({now, now + hours(24 * 90)}, random());
      } else {
        renewal.on_failure(now, std::nullopt, random());
      }
    }
  }
}

}  // namespace
}  // namespace thaw::domains
