#include "spec/quantity.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>

namespace thaw::spec {
namespace {

__extension__ typedef unsigned __int128 Wide;

constexpr size_t kLongestText = 32;
constexpr int kMostDigits = 15;
constexpr int kLargestExponent = 30;
constexpr Wide kLargestValue = Wide(1) << 62;

struct Unit {
  std::string_view suffix;
  int power_of_10;
  int power_of_2;
};

// The suffixes of k8s.io/apimachinery's resource.Quantity.
constexpr std::array kUnits = {
    Unit{"", 0, 0},    Unit{"n", -9, 0},  Unit{"u", -6, 0},  Unit{"m", -3, 0},
    Unit{"k", 3, 0},   Unit{"M", 6, 0},   Unit{"G", 9, 0},   Unit{"T", 12, 0},
    Unit{"P", 15, 0},  Unit{"E", 18, 0},  Unit{"Ki", 0, 10}, Unit{"Mi", 0, 20},
    Unit{"Gi", 0, 30}, Unit{"Ti", 0, 40}, Unit{"Pi", 0, 50}, Unit{"Ei", 0, 60}};

/// digits * 10^power_of_10 * 2^power_of_2
struct Number {
  Wide digits = 0;
  int power_of_10 = 0;
  int power_of_2 = 0;
};

Error fault(std::string text) { return {Code::kInvalidArgument, std::move(text)}; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Takes "12.50" off the front of `text`.
Result<Number> take_digits(std::string_view& text) {
  Number number;
  int significant = 0, seen = 0;
  bool after_point = false;
  for (; !text.empty() && (is_digit(text[0]) || (text[0] == '.' && !after_point));
       text.remove_prefix(1)) {
    if (text[0] == '.') {
      after_point = true;
      continue;
    }
    ++seen;
    if (number.digits != 0 || text[0] != '0') ++significant;
    if (significant > kMostDigits) return fault("has too many digits");
    number.digits = number.digits * 10 + static_cast<unsigned>(text[0] - '0');
    if (after_point) --number.power_of_10;
  }
  if (seen == 0) return fault("is not a number with a unit, such as 512Mi, 1Gi, 500m or 2");
  return number;
}

/// Reads the rest of the text: a unit or a power of ten such as "e3".
Result<Unit> read_unit(std::string_view text) {
  for (const Unit& unit : kUnits) {
    if (unit.suffix == text) return unit;
  }
  if (text.size() >= 2 && (text[0] == 'e' || text[0] == 'E')) {
    std::string_view digits = text.substr(text[1] == '+' ? 2 : 1);
    int power = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), power);
    if (error == std::errc() && end == digits.data() + digits.size()) {
      if (power < -kLargestExponent || power > kLargestExponent) {
        return fault("has an exponent beyond 30");
      }
      return Unit{"", power, 0};
    }
  }
  return fault(
      fmt::format("has the unknown unit '{}'; units are Ki, Mi, Gi (powers of 1024), "
                  "k, M, G (powers of 1000) and m (a thousandth)",
                  text));
}

/// `number` times `per_one`, exactly; nullopt when it is no whole number, kLargestValue and more
/// when it is too large.
std::optional<Wide> whole(Number number, unsigned per_one) {
  Wide value = number.digits * per_one << number.power_of_2;  // below 2^(50 + 10 + 60)
  for (; number.power_of_10 < 0 && value != 0; ++number.power_of_10) {
    if (value % 10 != 0) return std::nullopt;
    value /= 10;
  }
  for (; number.power_of_10 > 0 && value < kLargestValue; --number.power_of_10) value *= 10;
  return value;
}

Result<int64_t> parse(std::string_view text, unsigned per_one, std::string_view smallest) {
  if (text.empty()) return fault("is empty");
  if (text.size() > kLongestText) return fault("is longer than 32 characters");
  const bool is_negative = text[0] == '-';
  if (is_negative || text[0] == '+') text.remove_prefix(1);
  ASSIGN_OR_RETURN(Number number, take_digits(text));
  ASSIGN_OR_RETURN(Unit unit, read_unit(text));
  number.power_of_10 += unit.power_of_10;
  number.power_of_2 += unit.power_of_2;
  if (is_negative && number.digits != 0) return fault("is negative");
  const std::optional<Wide> value = whole(number, per_one);
  if (!value) return fault(fmt::format("is finer than {}", smallest));
  if (*value >= kLargestValue) return fault("is too large");
  return static_cast<int64_t>(*value);
}

}  // namespace

Result<Cpu> parse_cpu(std::string_view text) {
  ASSIGN_OR_RETURN(const int64_t millis, parse(text, 1000, "a thousandth of a vCPU"));
  return Cpu{millis};
}

Result<ByteCount> parse_memory(std::string_view text) {
  ASSIGN_OR_RETURN(const int64_t size, parse(text, 1, "a byte"));
  return ByteCount{size};
}

std::string cpu_quantity(Cpu cpu) { return fmt::format("{}m", cpu.millis); }

std::string memory_quantity(ByteCount size) {
  static constexpr std::array<std::string_view, 7> kSuffixes = {"",   "Ki", "Mi", "Gi",
                                                                "Ti", "Pi", "Ei"};
  size_t unit = 0;
  int64_t amount = size.value;
  while (amount != 0 && amount % 1024 == 0 && unit + 1 < kSuffixes.size()) {
    amount /= 1024;
    ++unit;
  }
  return fmt::format("{}{}", amount, kSuffixes.at(unit));
}

}  // namespace thaw::spec
