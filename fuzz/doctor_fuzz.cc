// What the doctor reads of others: files that say how a folder is started, lines of import times,
// name look-ups. Any bytes are refused or read; a page made of them keeps its data inside.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "doctor/import_times.h"
#include "doctor/launch.h"
#include "doctor/network_trap.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace thaw::doctor;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto& launch :
       {parse_dockerfile(text), parse_procfile(text), parse_package_json(text)}) {
    if (launch) CHECK(!launch->argv.empty(), "there is something to run");
    if (!launch) CHECK(!launch.error().message().empty(), "a refusal says why");
  }
  const DnsQuestion question = parse_dns_question(text);
  CHECK(question.name.empty() || question.end <= size, "a question lies in its packet");
  std::vector<ImportedModule> modules;
  for (size_t at = 0; at < size;) {
    const size_t end = std::min(text.find('\n', at), size);
    if (auto module = parse_import_line(text.substr(at, end - at))) modules.push_back(*module);
    (void)parse_compiled_line(text.substr(at, end - at));
    at = end + 1;
  }
  CHECK(import_tree(modules).children.size() <= modules.size(), "nothing is made up");
  const std::string page = flame_page(modules, "fuzz");
  size_t ends = 0;
  for (size_t at = page.find("</script>"); at != std::string::npos;
       at = page.find("</script>", at + 1)) {
    ++ends;
  }
  CHECK(ends == 2, "no name ends the script");
  return 0;
}
