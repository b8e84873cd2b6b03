//! `+`, `-`, `*` and `/` on instants and lengths of time.
//!
//! The template engine knows them of numbers, texts and lists only. So before it reads a template,
//! every such operator in it becomes a call, at the place that the parser found it:
//! `a - b` is read as `__sub(a , b)`. The functions fall back to the engine's own operator.

use std::ops::Range;

use minijinja::machinery::ast::{BinOpKind, CallArg, Expr, Stmt, UnaryOpKind};
use minijinja::machinery::{Span, parse, parse_expr};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, State, Value, context};

use crate::template::delta::Delta;
use crate::template::moment::Moment;

/// Rewrites a template; one that cannot be parsed stays as it is, for the engine to complain of.
pub(super) fn rewritten(template: &str, syntax: SyntaxConfig) -> String {
    let mut edits = Edits::new(template);
    if let Ok(parsed) = parse(template, "<string>", syntax) {
        edits.statement(&parsed);
    }
    edits.applied()
}

/// As `rewritten`, for what stands between the braces of one expression.
pub(super) fn rewritten_expression(expression: &str) -> String {
    let mut edits = Edits::new(expression);
    if let Ok(parsed) = parse_expr(expression) {
        edits.expression(&parsed);
    }
    edits.applied()
}

/// Adds the functions that `rewritten` calls.
pub(super) fn add_to(environment: &mut Environment<'_>) {
    environment.add_function("__add", |state: &mut State<'_, '_>, a: Value, b: Value| {
        calculated(state, "a + b", a, b)
    });
    environment.add_function("__sub", |state: &mut State<'_, '_>, a: Value, b: Value| {
        calculated(state, "a - b", a, b)
    });
    environment.add_function("__mul", |state: &mut State<'_, '_>, a: Value, b: Value| {
        calculated(state, "a * b", a, b)
    });
    environment.add_function("__div", |state: &mut State<'_, '_>, a: Value, b: Value| {
        calculated(state, "a / b", a, b)
    });
    environment.add_function("__neg", |state: &mut State<'_, '_>, a: Value| {
        match a.downcast_object_ref::<Delta>() {
            Some(delta) => delta.times(-1.0).map(Value::from_object),
            None => calculated(state, "-a", a, Value::UNDEFINED),
        }
    });
}

fn calculated(state: &State<'_, '_>, how: &str, a: Value, b: Value) -> Result<Value, Error> {
    let moments = (a.downcast_object_ref::<Moment>(), b.downcast_object_ref::<Moment>());
    let deltas = (a.downcast_object_ref::<Delta>(), b.downcast_object_ref::<Delta>());
    match (how, moments, deltas) {
        ("a + b", (Some(at), _), (_, Some(by))) | ("a + b", (_, Some(at)), (Some(by), _)) => {
            at.moved(by.micros).map(Value::from_object)
        }
        ("a - b", (Some(at), _), (_, Some(by))) => at.moved(-by.micros).map(Value::from_object),
        ("a - b", (Some(to), Some(from)), _) => Delta::between(from, to).map(Value::from_object),
        ("a + b", _, (Some(a), Some(b))) => Ok(Value::from_object(Delta::of(a.micros + b.micros))),
        ("a - b", _, (Some(a), Some(b))) => Ok(Value::from_object(Delta::of(a.micros - b.micros))),
        ("a * b", _, (Some(delta), None)) if b.is_number() => {
            delta.times(f64::try_from(b)?).map(Value::from_object)
        }
        ("a * b", _, (None, Some(delta))) if a.is_number() => {
            delta.times(f64::try_from(a)?).map(Value::from_object)
        }
        ("a / b", _, (Some(delta), None)) if b.is_number() => {
            delta.times(1.0 / f64::try_from(b)?).map(Value::from_object)
        }
        ("a / b", _, (Some(a), Some(b))) => Ok(Value::from(a.seconds() / b.seconds())),
        _ => state.env().compile_expression(how)?.eval(context! { a, b }),
    }
}

/// Insertions and replacements, gathered from the outside in.
struct Edits<'t> {
    text: &'t str,
    /// Where, what is taken out, what is put in; of one place the outer comes first.
    edits: Vec<(Range<usize>, String)>,
}

impl<'t> Edits<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, edits: Vec::new() }
    }

    fn applied(mut self) -> String {
        // Stable: what was found first, the outer call, stays first.
        self.edits.sort_by_key(|(at, _)| (at.start, at.end));
        let (mut out, mut done) = (String::with_capacity(self.text.len()), 0);
        for (at, put) in self.edits {
            let Some(between) = self.text.get(done..at.start) else { return self.text.to_owned() };
            out.push_str(between);
            out.push_str(&put);
            done = at.end;
        }
        out.push_str(self.text.get(done..).unwrap_or_default());
        out
    }

    fn call(&mut self, name: &str, whole: Span) {
        let (start, end) = (whole.start_offset as usize, whole.end_offset as usize);
        self.edits.push((start..start, format!("{name}(")));
        self.edits.push((end..end, ")".to_owned()));
    }

    /// Between two operands stand blanks, parentheses and the operator.
    fn operator(&mut self, left: Span, right: Span, sign: char) {
        let (from, to) = (left.end_offset as usize, right.start_offset as usize);
        if let Some(at) = self.text.get(from..to).and_then(|gap| gap.find(sign)) {
            self.edits.push((from + at..from + at + 1, ",".to_owned()));
        }
    }

    fn statements(&mut self, statements: &[Stmt<'_>]) {
        statements.iter().for_each(|statement| self.statement(statement));
    }

    #[allow(clippy::wildcard_enum_match_arm, reason = "which others there are is up to features")]
    fn statement(&mut self, statement: &Stmt<'_>) {
        match statement {
            Stmt::Template(template) => self.statements(&template.children),
            Stmt::EmitExpr(emit) => self.expression(&emit.expr),
            Stmt::ForLoop(each) => {
                self.expression(&each.iter);
                self.optional(each.filter_expr.as_ref());
                self.statements(&each.body);
                self.statements(&each.else_body);
            }
            Stmt::IfCond(decision) => {
                self.expression(&decision.expr);
                self.statements(&decision.true_body);
                self.statements(&decision.false_body);
            }
            Stmt::WithBlock(with) => {
                with.assignments.iter().for_each(|(_, value)| self.expression(value));
                self.statements(&with.body);
            }
            Stmt::Set(set) => self.expression(&set.expr),
            Stmt::SetBlock(set) => self.statements(&set.body),
            Stmt::AutoEscape(escape) => self.statements(&escape.body),
            Stmt::FilterBlock(filter) => self.statements(&filter.body),
            _ => {}
        }
    }

    fn optional(&mut self, expression: Option<&Expr<'_>>) {
        expression.into_iter().for_each(|expression| self.expression(expression));
    }

    fn expressions(&mut self, expressions: &[Expr<'_>]) {
        expressions.iter().for_each(|expression| self.expression(expression));
    }

    fn arguments(&mut self, arguments: &[CallArg<'_>]) {
        for argument in arguments {
            match argument {
                CallArg::Pos(value)
                | CallArg::Kwarg(_, value)
                | CallArg::PosSplat(value)
                | CallArg::KwargSplat(value) => self.expression(value),
            }
        }
    }

    fn expression(&mut self, expression: &Expr<'_>) {
        match expression {
            Expr::Var(_) | Expr::Const(_) => {}
            Expr::BinOp(operation) => {
                if let Some((name, sign)) = function(operation.op) {
                    self.call(name, operation.span());
                    self.operator(operation.left.span(), operation.right.span(), sign);
                }
                self.expression(&operation.left);
                self.expression(&operation.right);
            }
            Expr::UnaryOp(operation) => {
                let is_literal = matches!(operation.expr, Expr::Const(_));
                if matches!(operation.op, UnaryOpKind::Neg) && !is_literal {
                    self.call("__neg", operation.span());
                    let start = operation.span().start_offset as usize;
                    self.edits.push((start..start + 1, String::new()));
                }
                self.expression(&operation.expr);
            }
            Expr::Slice(slice) => {
                self.expression(&slice.expr);
                let bounds = [&slice.start, &slice.stop, &slice.step];
                bounds.into_iter().for_each(|bound| self.optional(bound.as_ref()));
            }
            Expr::Compare(compare) => {
                self.expression(&compare.expr);
                compare.ops.iter().for_each(|op| self.expression(&op.expr));
            }
            Expr::IfExpr(decision) => {
                self.expression(&decision.test_expr);
                self.expression(&decision.true_expr);
                self.optional(decision.false_expr.as_ref());
            }
            Expr::Filter(filter) => {
                self.optional(filter.expr.as_ref());
                self.arguments(&filter.args);
            }
            Expr::Test(test) => {
                self.expression(&test.expr);
                self.arguments(&test.args);
            }
            Expr::GetAttr(get) => self.expression(&get.expr),
            Expr::GetItem(get) => {
                self.expression(&get.expr);
                self.expression(&get.subscript_expr);
            }
            Expr::Call(call) => {
                self.expression(&call.expr);
                self.arguments(&call.args);
            }
            Expr::List(list) => self.expressions(&list.items),
            Expr::Tuple(tuple) => self.expressions(&tuple.items),
            Expr::Map(map) => {
                self.expressions(&map.keys);
                self.expressions(&map.values);
            }
        }
    }
}

const fn function(operator: BinOpKind) -> Option<(&'static str, char)> {
    match operator {
        BinOpKind::Add => Some(("__add", '+')),
        BinOpKind::Sub => Some(("__sub", '-')),
        BinOpKind::Mul => Some(("__mul", '*')),
        BinOpKind::Div => Some(("__div", '/')),
        BinOpKind::Eq
        | BinOpKind::Ne
        | BinOpKind::Lt
        | BinOpKind::Lte
        | BinOpKind::Gt
        | BinOpKind::Gte
        | BinOpKind::ScAnd
        | BinOpKind::ScOr
        | BinOpKind::FloorDiv
        | BinOpKind::Rem
        | BinOpKind::Pow
        | BinOpKind::Concat
        | BinOpKind::In => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_become_calls_where_they_stand() {
        for (from, to) in [
            ("a - b", "__sub(a , b)"),
            ("(a + b).c - d", "__sub((__add(a , b)).c , d)"),
            ("a - b - c", "__sub(__sub(a , b) , c)"),
            ("a - (b - c)", "__sub(a , (__sub(b , c)))"),
            ("a + b * c", "__add(a , __mul(b , c))"),
            ("f(x=a-1)[b+1]|ds('a-b')", "f(x=__sub(a,1))[__add(b,1)]|ds('a-b')"),
            ("-a + -1", "__add(__neg(a) , -1)"),
            ("'a-b' ~ c", "'a-b' ~ c"),
            ("'ü' + a", "__add('ü' , a)"),
        ] {
            assert_eq!(rewritten_expression(from), to);
        }
        let syntax = SyntaxConfig::default();
        assert_eq!(
            rewritten("a - b {{ a - b }}{% if a+1 > 2 %}-{% endif %}", syntax),
            "a - b {{ __sub(a , b) }}{% if __add(a,1) > 2 %}-{% endif %}"
        );
    }
}
