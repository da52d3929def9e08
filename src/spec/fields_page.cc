#include "spec/fields_page.h"

#include <fmt/format.h>

#include "spec/fields.h"

namespace thaw::spec {
namespace {

constexpr std::string_view kHead =
    R"(# The service file

Made from the tables in `src/spec/fields.cc` and `src/spec/annotations.cc`; a test holds the two
together. A service file is YAML or JSON in the shape that
`gcloud run services describe NAME --format export` prints, and Thaw prints the same.

```yaml
apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: forecaster
spec:
  template:
    metadata:
      annotations:
        autoscaling.knative.dev/maxScale: '3'
    spec:
      containers:
      - image: thaw.local/serve
        args: [--task, forecast]
        resources:
          limits:
            cpu: 1000m
            memory: 512Mi
```

A file holds one service, in UTF-8, at most 1 MiB, 32 levels and 20 000 values. All faults are
reported at once, the first 20 of them with line and column; nothing is stored while there is
one. Sizes and CPUs are Kubernetes quantities: `512Mi`, `1.5Gi`, `500m`, `0.5`, `2`. Strings that
look like numbers or truth values stand in quotes.

The last column says what Thaw does with a field:

- **used**: it acts on it.
- kept: harmless; it is stored and printed again.
- kept, said: stored and printed again; whoever deploys is told that it has no effect yet.
- refused: an error unless it is empty, because ignoring it would change what the service does.
)";

std::string_view type_words(const FieldRow& row) {
  switch (row.type) {
    case FieldType::kString:
      return "string";
    case FieldType::kInt:
      return "whole number";
    case FieldType::kBool:
      return "true or false";
    case FieldType::kCpu:
      return "vCPUs";
    case FieldType::kMemory:
      return "size";
    case FieldType::kTime:
      return "time";
    case FieldType::kStrings:
      return "list of strings";
    case FieldType::kStringMap:
      return "strings by name";
    case FieldType::kObject:
      return "mapping";
    case FieldType::kObjects:
      return "list of mappings";
    case FieldType::kAny:
      return "";
  }
  return "";
}

std::string_view support_words(Support support) {
  switch (support) {
    case Support::kUsed:
      return "**used**";
    case Support::kKept:
      return "kept";
    case Support::kRefused:
      return "refused";
  }
  return "";
}

std::string range(int64_t low, int64_t high) {
  constexpr int64_t kUnbounded = 2147483647;
  if (low == 0 && high == 0) return "";
  if (high == kUnbounded) return low == 0 ? "" : fmt::format(", {} and more", low);
  return low == high ? fmt::format(", {}", low) : fmt::format(", {} to {}", low, high);
}

/// A refused row's words go on from "not supported yet:"; for readers they begin a sentence.
std::string sentence(std::string_view words, Support support) {
  return support == Support::kRefused ? fmt::format("Not supported yet: {}.", words)
                                      : std::string(words);
}

std::string code(std::string_view text) {
  return text.empty() ? std::string() : fmt::format("`{}`", text);
}

std::string field_table(std::string_view object) {
  std::string text =
      "| field | type | default | what it is | |\n"
      "|---|---|---|---|---|\n";
  for (const FieldRow& row : field_rows()) {
    if (row.object != object) continue;
    const std::string name = row.name == "*" ? "anything else" : code(row.name);
    text += fmt::format("| {} | {}{} | {} | {} | {} |\n", name, type_words(row),
                        range(row.low, row.high), row.fallback, sentence(row.words, row.support),
                        support_words(row.support));
  }
  return text;
}

std::string annotation_values(const AnnotationRow& row) {
  switch (row.type) {
    case TextType::kText:
      return "text";
    case TextType::kBool:
      return "`'true'` or `'false'`";
    case TextType::kInt:
      return fmt::format("`'{}'` to `'{}'`", row.low, row.high);
    case TextType::kWord:
      return fmt::format("{}", row.values);
  }
  return "";
}

std::string annotation_table(Level level) {
  std::string text =
      "| annotation | values | default | what it is | |\n"
      "|---|---|---|---|---|\n";
  for (const AnnotationRow& row : annotation_rows()) {
    if (row.level != level) continue;
    const bool has_harmless = row.support == Support::kRefused && !row.values.empty();
    text += fmt::format("| `{}` | {} | {} | {}{} | {} |\n", row.name,
                        row.support == Support::kRefused ? "" : annotation_values(row),
                        row.fallback, sentence(row.words, row.support),
                        has_harmless ? fmt::format(" The value `{}` is kept.", row.values) : "",
                        support_words(row.support));
  }
  return text;
}

}  // namespace

std::string service_file_page() {
  std::string page(kHead);
  for (const ObjectRow& object : object_rows()) {
    page += fmt::format("\n## {}: {}\n\n{}", object.name, object.place, field_table(object.name));
  }
  page += fmt::format(
      "\n## Annotations of the service: metadata.annotations\n\nNames of run.googleapis.com, "
      "autoscaling.knative.dev, serving.knative.dev and "
      "client.knative.dev are a closed list; all others are free and kept.\n\n{}",
      annotation_table(Level::kService));
  page += fmt::format("\n## Annotations of a revision: spec.template.metadata.annotations\n\n{}",
                      annotation_table(Level::kRevision));
  return page;
}

}  // namespace thaw::spec
