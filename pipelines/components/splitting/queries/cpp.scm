(function_definition declarator: [
  (function_declarator declarator: (_) @name)
  (pointer_declarator declarator: (function_declarator declarator: (_) @name))
  (reference_declarator (function_declarator declarator: (_) @name))
]) @definition
(class_specifier name: (_) @name body: (_)) @definition
(struct_specifier name: (_) @name body: (_)) @definition
(union_specifier name: (_) @name body: (_)) @definition
(enum_specifier name: (_) @name body: (_)) @definition
(namespace_definition name: (_) @name) @namespace
(template_declaration (function_definition declarator: (function_declarator declarator: (_) @name))) @definition
(template_declaration (class_specifier name: (_) @name body: (_))) @definition
(template_declaration (struct_specifier name: (_) @name body: (_))) @definition
(type_definition declarator: (type_identifier) @name) @definition
(alias_declaration name: (_) @name) @constant
(concept_definition name: (_) @name) @constant
(translation_unit (declaration declarator: (init_declarator declarator: [
  (identifier) @name
  (array_declarator declarator: (identifier) @name)
  (pointer_declarator declarator: (identifier) @name)
  (pointer_declarator declarator: (array_declarator declarator: (identifier) @name))])) @constant)
(preproc_def name: (_) @name) @constant
(preproc_function_def name: (_) @name) @constant
