(function_item name: (_) @name) @definition
(function_signature_item name: (_) @name) @definition
(struct_item name: (_) @name) @definition
(enum_item name: (_) @name) @definition
(union_item name: (_) @name) @definition
(trait_item name: (_) @name) @definition
(type_item name: (_) @name) @definition
(macro_definition name: (_) @name) @definition
(impl_item type: [
  (type_identifier) @name
  (generic_type type: (type_identifier) @name)
  (scoped_type_identifier name: (type_identifier) @name)]) @definition
(mod_item name: (_) @name) @namespace
(const_item name: (_) @name) @constant
(static_item name: (_) @name) @constant
