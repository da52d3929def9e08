#include "app/country_tables.h"

#include <fmt/format.h>
#include <unistd.h>

#include <climits>

#include "io_linux/local_disk.h"

namespace thaw::app {
namespace {

std::string installed_folder() {
  char path[PATH_MAX];
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
  const std::string program(path, length > 0 ? static_cast<size_t>(length) : 0);
  const std::string bin = program.substr(0, program.rfind('/'));
  return bin.substr(0, bin.rfind('/')) + "/share/thaw/country_holidays";
}

}  // namespace

predict::CountryTable country_tables(std::string folder) {
  return [folder = folder.empty() ? installed_folder() : std::move(folder)](
             std::string_view country) -> Result<std::string> {
    constexpr ByteCount kLargestTable = mib(4);
    auto text =
        io_linux::LocalDisk().read_file(fmt::format("{}/{}.csv", folder, country), kLargestTable);
    if (text || text.error().code() != Code::kNotFound) return text;
    return Error(Code::kNotFound,
                 fmt::format("there is no table of {} in {}: `make holidays` and `make install` "
                             "put them there, THAW_COUNTRY_HOLIDAYS names another folder, and "
                             "--holidays takes a file of your own with a column country",
                             country, folder));
  };
}

}  // namespace thaw::app
