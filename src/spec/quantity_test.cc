#include "spec/quantity.h"

#include <gtest/gtest.h>

namespace thaw::spec {
namespace {

TEST(ParseMemory, EveryKubernetesSpellingIsExact) {
  const std::pair<const char*, int64_t> kRows[] = {{"512Mi", 536870912},
                                                   {"1Gi", 1073741824},
                                                   {"0.5Gi", 536870912},
                                                   {"1.5Ki", 1536},
                                                   {"128974848", 128974848},
                                                   {"129M", 129000000},
                                                   {"129e6", 129000000},
                                                   {"1E3", 1000},
                                                   {"1e+3", 1000},
                                                   {"1000m", 1},
                                                   {"1000000u", 1},
                                                   {"0", 0},
                                                   {"+1k", 1000},
                                                   {".5k", 500},
                                                   {"5.k", 5000},
                                                   {"1E", 1000000000000000000},
                                                   {"1Ei", int64_t{1} << 60},
                                                   {"-0", 0},
                                                   {"0e30", 0},
                                                   {"000000000000000000001Ki", 1024},
                                                   {"1.000000000000Gi", 1073741824},
                                                   {"1024000e-3", 1024},
                                                   {"0.0009765625Ki", 1}};
  for (const auto& [text, bytes] : kRows) {
    const auto size = parse_memory(text);
    ASSERT_TRUE(size) << text << ": " << size.error().message();
    EXPECT_EQ(size->value, bytes) << text;
  }
}

TEST(ParseCpu, CoresBecomeExactMillicores) {
  const std::pair<const char*, int64_t> kRows[] = {
      {"1", 1000}, {"1000m", 1000}, {"0.08", 80},   {"80m", 80},   {"0.1", 100},
      {"2", 2000}, {"2.0", 2000},   {"0.333", 333}, {"8e0", 8000}, {"500000u", 500}};
  for (const auto& [text, millis] : kRows) {
    const auto cpu = parse_cpu(text);
    ASSERT_TRUE(cpu) << text << ": " << cpu.error().message();
    EXPECT_EQ(cpu->millis, millis) << text;
  }
}

TEST(ParseQuantity, WhatIsWrongIsSaid) {
  const std::pair<const char*, const char*> kRows[] = {
      {"", "is empty"},
      {"-1", "is negative"},
      {"-1Gi", "is negative"},
      {"lots", "is not a number"},
      {"512MB", "unknown unit 'MB'"},
      {"512mi", "unknown unit 'mi'"},
      {"1 Gi", "unknown unit ' Gi'"},
      {"1.2.3", "unknown unit '.3'"},
      {".", "is not a number"},
      {"--1", "is not a number"},
      {"0x10", "unknown unit 'x10'"},
      {"1e", "unknown unit 'e'"},
      {"1e99", "exponent beyond 30"},
      {"1e-99", "exponent beyond 30"},
      {"1e5000000000", "unknown unit"},
      {"100m", "is finer than a byte"},
      {"0.3Ki", "is finer than a byte"},
      {"5Ei", "is too large"},
      {"1e19", "is too large"},
      {"1e30", "is too large"},
      {"1234567890123456", "too many digits"},
      {"111111111111111111111111111111111111111111", "longer than 32"},
      {"NaN", "is not a number"},
      {"1\xc2\xb5", "unknown unit"},
      {"inf", "is not a number"}};
  for (const auto& [text, why] : kRows) {
    const auto size = parse_memory(text);
    ASSERT_FALSE(size) << text << " is " << size->value;
    EXPECT_EQ(size.error().code(), Code::kInvalidArgument);
    EXPECT_NE(size.error().message().find(why), std::string::npos)
        << text << ": " << size.error().message();
  }
  EXPECT_EQ(parse_cpu("0.0005").error().message(), "is finer than a thousandth of a vCPU");
}

TEST(Quantity, TheLargestInputsDoNotOverflow) {
  for (const char* text : {"999999999999999Ei", "999999999999999e30", "0.00000000000001Ei",
                           "999999999999999n", "999999999999999e-30"}) {
    EXPECT_FALSE(parse_memory(text)) << text;
    EXPECT_FALSE(parse_cpu(text)) << text;
  }
  EXPECT_FALSE(parse_memory("4Ei"));
  EXPECT_EQ(parse_memory("3Ei")->value, int64_t{3} << 60);
}

TEST(Quantity, WhatIsPrintedReadsBack) {
  for (const int64_t size : {int64_t{0}, int64_t{1}, int64_t{1000}, int64_t{1024}, int64_t{1536},
                             int64_t{536870912}, int64_t{3} << 30, int64_t{3} << 60}) {
    EXPECT_EQ(parse_memory(memory_quantity({size}))->value, size);
  }
  EXPECT_EQ(memory_quantity(mib(512)), "512Mi");
  EXPECT_EQ(memory_quantity(gib(3)), "3Gi");
  EXPECT_EQ(memory_quantity({1500}), "1500");
  EXPECT_EQ(cpu_quantity({1000}), "1000m");
  EXPECT_EQ(parse_cpu(cpu_quantity({80}))->millis, 80);
}

}  // namespace
}  // namespace thaw::spec
