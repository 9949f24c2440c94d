//! Finds what can be planted in a file.

use crate::rewrite::{Edit, Wrap};
use proc_macro2::Span;
use std::collections::HashSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, BinOp, Block, Expr, ImplItemFn, ItemFn, ItemImpl, ItemMod, Meta, Stmt};

/// A bug.
#[derive(Debug)]
pub struct Bug {
    pub number: usize,
    pub path: PathBuf,
    pub line: usize,
    pub kind: &'static str,
    pub what: String,
}

/// Plants into one file: notes the bugs, and gives the edits that make them.
pub fn plant(path: &Path, text: &str, bugs: &mut Vec<Bug>) -> Vec<Edit> {
    let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut planter = Planter { path, text, bugs, edits: Vec::new(), fixed: HashSet::new() };
    planter.visit_file(&file);
    planter.edits
}

struct Planter<'a> {
    path: &'a Path,
    text: &'a str,
    bugs: &'a mut Vec<Bug>,
    edits: Vec<Edit>,
    /// Conditions that are planted in already.
    fixed: HashSet<Range<usize>>,
}

impl Planter<'_> {
    fn source(&self, span: Span) -> &str {
        &self.text[span.byte_range()]
    }

    fn bug(&mut self, span: Span, kind: &'static str, what: String) -> usize {
        let number = self.bugs.len() + 1;
        let what = what.split_whitespace().collect::<Vec<_>>().join(" ");
        let what = if what.chars().count() > 110 {
            format!("{}…", what.chars().take(109).collect::<String>())
        } else {
            what
        };
        self.bugs.push(Bug { number, path: self.path.to_owned(), line: span.start().line, kind, what });
        number
    }

    fn edit(&mut self, bytes: Range<usize>, wraps: Vec<Wrap>) {
        self.edits.push(Edit { bytes, wraps });
    }

    /// A condition, or a part of one, that is always or never true.
    fn fix(&mut self, condition: &Expr, values: &[bool]) {
        if holds_let(condition) || is_constant(condition) {
            return;
        }
        let span = condition.span();
        self.fixed.insert(span.byte_range());
        let source = self.source(span).to_owned();
        let mut wraps = Vec::new();
        for &value in values {
            let bug = self.bug(span, if value { "true" } else { "false" }, source.clone());
            let before = if value {
                format!("(crate::planted::is({bug}) || (")
            } else {
                format!("(!crate::planted::is({bug}) && (")
            };
            wraps.push(Wrap { bug, before, behind: "))".to_owned() });
        }
        self.edit(span.byte_range(), wraps);
    }

    fn order_statements(&mut self, block: &Block) {
        let statements = &block.stmts;
        let Some((first, last)) = statements.first().zip(statements.last()) else { return };
        let inside = first.span().byte_range().start..last.span().byte_range().end;
        let mut wraps = Vec::new();
        for (index, pair) in statements.windows(2).enumerate() {
            let traces = |statement: &Stmt| self.source(statement.span()).contains("tracing::");
            if !pair.iter().all(acts) || matches!(pair[1], Stmt::Expr(_, None)) || pair.iter().any(traces) {
                continue;
            }
            let [one, other] = [&pair[0], &pair[1]].map(|statement| self.source(statement.span()).to_owned());
            let bug = self.bug(pair[0].span(), "swapped", format!("{one} ⇄ {other}"));
            let mut alternative = format!("if crate::planted::is({bug}) {{ ");
            for (place, statement) in statements.iter().enumerate() {
                let statement = match place {
                    _ if place == index => &statements[index + 1],
                    _ if place == index + 1 => &statements[index],
                    _ => statement,
                };
                alternative.push_str(self.source(statement.span()));
                alternative.push('\n');
            }
            wraps.push(Wrap { bug, before: format!("{alternative} }} else {{ "), behind: " }".to_owned() });
        }
        self.edit(inside, wraps);
    }
}

impl<'ast> Visit<'ast> for Planter<'_> {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_impl(&mut self, implementation: &'ast ItemImpl) {
        let of = implementation.trait_.as_ref().and_then(|(_, path, _)| path.segments.last());
        if !of.is_some_and(|of| ["Debug", "Display", "Error"].iter().any(|name| of.ident == name)) {
            visit::visit_item_impl(self, implementation);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        if function.sig.constness.is_none() && !is_test(&function.attrs) {
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        if function.sig.constness.is_none() && !is_test(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}

    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}

    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}

    fn visit_expr_const(&mut self, _: &'ast syn::ExprConst) {}

    fn visit_block(&mut self, block: &'ast Block) {
        self.order_statements(block);
        visit::visit_block(self, block);
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        if matches!(statement, Stmt::Expr(expression, Some(_)) if does(expression)) {
            let span = statement.span();
            let source = self.source(span).to_owned();
            let bug = self.bug(span, "left out", source);
            self.edit(
                span.byte_range(),
                vec![Wrap { bug, before: format!("if !crate::planted::is({bug}) {{ "), behind: " }".to_owned() }],
            );
        }
        visit::visit_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'ast Expr) {
        match expression {
            Expr::If(conditional) => self.fix(&conditional.cond, &[true, false]),
            Expr::While(conditional) => self.fix(&conditional.cond, &[false]),
            Expr::Match(of) => {
                for arm in &of.arms {
                    if let Some((_, guard)) = &arm.guard {
                        self.fix(guard, &[true, false]);
                    }
                }
            }
            Expr::Binary(binary) => match binary.op {
                BinOp::And(_) => {
                    self.fix(&binary.left, &[true]);
                    self.fix(&binary.right, &[true]);
                }
                BinOp::Or(_) => {
                    self.fix(&binary.left, &[false]);
                    self.fix(&binary.right, &[false]);
                }
                BinOp::Eq(_) | BinOp::Ne(_) | BinOp::Lt(_) | BinOp::Le(_) | BinOp::Gt(_) | BinOp::Ge(_)
                    if !self.fixed.contains(&binary.span().byte_range()) =>
                {
                    let span = binary.span();
                    let source = self.source(span).to_owned();
                    let bug = self.bug(span, "negated", source);
                    let before = format!("(crate::planted::is({bug}) ^ (");
                    self.edit(span.byte_range(), vec![Wrap { bug, before, behind: "))".to_owned() }]);
                }
                _ => {}
            },
            Expr::Path(path) => {
                let name = path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
                let weaker: &[&str] = match name.as_str() {
                    "Acquire" | "Release" => &["Relaxed"],
                    "AcqRel" => &["Acquire", "Release"],
                    "SeqCst" => &["AcqRel"],
                    _ => &[],
                };
                let mut wraps = Vec::new();
                for weaker in weaker {
                    let line = self.text.lines().nth(path.span().start().line - 1).unwrap_or_default().to_owned();
                    let bug = self.bug(path.span(), "weaker", format!("{name} → {weaker}: {line}"));
                    let before =
                        format!("(if crate::planted::is({bug}) {{ std::sync::atomic::Ordering::{weaker} }} else {{ ");
                    wraps.push(Wrap { bug, before, behind: " })".to_owned() });
                }
                if !wraps.is_empty() {
                    self.edit(path.span().byte_range(), wraps);
                }
            }
            Expr::MethodCall(call) if call.method == "rcu" => {
                let span = call.method.span();
                let line = self.text.lines().nth(span.start().line - 1).unwrap_or_default().to_owned();
                let bug = self.bug(span, "split", line);
                let first = call.args[0].span().byte_range();
                let end = span.byte_range().end;
                self.edit(end..end, vec![Wrap { bug, before: "_or_split".to_owned(), behind: String::new() }]);
                self.edit(first, vec![Wrap { bug, before: format!("{bug}, "), behind: String::new() }]);
                let import = format!("use crate::planted::RcuOrSplit as _Split{bug};\n");
                self.edit(self.text.len()..self.text.len(), vec![Wrap { bug, before: import, behind: String::new() }]);
            }
            _ => {}
        }
        visit::visit_expr(self, expression);
    }
}

/// Whether a statement does something, as an expression that is not used.
fn does(expression: &Expr) -> bool {
    match expression {
        Expr::MethodCall(_) | Expr::Call(_) | Expr::Assign(_) => true,
        Expr::Binary(binary) => matches!(binary.op, BinOp::AddAssign(_) | BinOp::SubAssign(_) | BinOp::BitOrAssign(_)),
        _ => false,
    }
}

/// Whether the place of a statement among others may matter.
fn acts(statement: &Stmt) -> bool {
    match statement {
        Stmt::Expr(expression, _) => {
            does(expression) || matches!(expression, Expr::If(_) | Expr::ForLoop(_) | Expr::While(_))
        }
        Stmt::Local(local) => local.init.as_ref().is_some_and(|init| {
            let mut calls = Calls(false);
            calls.visit_expr(&init.expr);
            calls.0
        }),
        _ => false,
    }
}

/// Whether there is a call, other than one that makes a value.
struct Calls(bool);

impl<'ast> Visit<'ast> for Calls {
    fn visit_expr_method_call(&mut self, _: &'ast syn::ExprMethodCall) {
        self.0 = true;
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        let of = match &*call.func {
            Expr::Path(of) => of.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        if of.is_some_and(|of| ["Some", "default", "new"].contains(&&*of)) {
            visit::visit_expr_call(self, call);
        } else {
            self.0 = true;
        }
    }
}

/// Whether it is a pattern that is matched, or a chain with one.
fn holds_let(condition: &Expr) -> bool {
    match condition {
        Expr::Let(_) => true,
        Expr::Binary(binary) => holds_let(&binary.left) || holds_let(&binary.right),
        _ => false,
    }
}

/// Whether the compiler decides: the other branch would be a slower way to the same.
fn is_constant(condition: &Expr) -> bool {
    match condition {
        Expr::Const(_) => true,
        Expr::Unary(unary) => is_constant(&unary.expr),
        Expr::Path(path) => path.path.get_ident().is_some_and(|name| *name == name.to_string().to_uppercase()),
        Expr::Call(call) => {
            matches!(&*call.func, Expr::Path(of) if of.path.segments.last().is_some_and(|of| of.ident == "needs_drop"))
        }
        _ => false,
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || matches!(&attribute.meta, Meta::List(list) if list.path.is_ident("cfg") && list.tokens.to_string().contains("test"))
    })
}
