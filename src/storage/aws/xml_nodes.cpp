#include "walwrap/storage/aws/xml_nodes.hpp"

namespace walwrap::storage {

std::string_view local_name(const pugi::xml_node& node) {
  const std::string_view name = node.name();
  const auto colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

pugi::xml_node child(const pugi::xml_node& parent, std::string_view name) {
  for (const auto& node : parent.children()) {
    if (node.type() == pugi::node_element && local_name(node) == name) return node;
  }
  return {};
}

std::string text_of(const pugi::xml_node& parent, std::string_view name) {
  return child(parent, name).child_value();
}

pugi::xml_node error_node(const pugi::xml_node& root) {
  if (local_name(root) == "Error") return root;
  if (local_name(root) == "ErrorResponse") return child(root, "Error");
  return {};
}

Result<pugi::xml_node> load_xml(pugi::xml_document& document, std::string_view xml,
                                std::string_view root) {
  const auto parsed = document.load_buffer(xml.data(), xml.size());
  if (!parsed) {
    return fail(Code::Corrupt, "the answer is not XML: {} at byte {}", parsed.description(),
                parsed.offset);
  }
  const auto node = document.document_element();
  if (local_name(node) != root) {
    return fail(Code::Corrupt, "the answer is a {}, not a {}", local_name(node).substr(0, 60),
                root);
  }
  return node;
}

}  // namespace walwrap::storage
