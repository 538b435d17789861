//! [`Assembler`]: programs for the kernel's packet filter (classic BPF), with labels instead of
//! counted jumps.

use std::io;

use libc::{BPF_JA, BPF_JMP, BPF_K, BPF_RET, SKF_AD_OFF};
use socket2::SockFilter;

/// Drops the packet.
pub(crate) const DROP: u32 = 0;
/// Lets the whole packet pass.
pub(crate) const PASS: u32 = u32::MAX;

/// Where a filter finds what the kernel knows of a packet: one of `SKF_AD_` of `linux/filter.h`.
pub(crate) const fn about(what: i32) -> u32 {
    (SKF_AD_OFF + what).cast_unsigned()
}

/// One instruction: operation, how far to jump if true and if false, operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instruction {
    pub(crate) code: u16,
    pub(crate) if_true: u8,
    pub(crate) if_false: u8,
    pub(crate) operand: u32,
}

/// A filter program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program(pub(crate) Vec<Instruction>);

impl Program {
    /// The program as the kernel takes it.
    pub(crate) fn filters(&self) -> Vec<SockFilter> {
        let filter = |i: &Instruction| SockFilter::new(i.code, i.if_true, i.if_false, i.operand);
        self.0.iter().map(filter).collect()
    }
}

/// A place in a program that is jumped to. Jumps of this machine lead forward only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label(usize);

/// Where a branch leads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum To {
    /// To the next instruction.
    Next,
    /// To the place of a label.
    Place(Label),
}

/// An instruction whose jumps are not counted yet.
#[derive(Debug)]
enum Draft {
    Plain { code: u32, operand: u32 },
    Branch { code: u32, operand: u32, if_true: To, if_false: To },
    Jump(Label),
}

/// A program that is being written.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    drafts: Vec<Draft>,
    /// Where the labels are, once they have a place.
    places: Vec<Option<usize>>,
}

impl Assembler {
    /// A label without a place.
    pub(crate) fn label(&mut self) -> Label {
        self.places.push(None);
        Label(self.places.len() - 1)
    }

    /// Gives a label its place, before the next instruction.
    pub(crate) fn place(&mut self, label: Label) {
        if let Some(place) = self.places.get_mut(label.0) {
            *place = Some(self.drafts.len());
        }
    }

    /// Adds an instruction that does not jump.
    pub(crate) fn op(&mut self, code: u32, operand: u32) {
        self.drafts.push(Draft::Plain { code, operand });
    }

    /// Adds instructions that do not jump.
    pub(crate) fn ops(&mut self, ops: &[(u32, u32)]) {
        for (code, operand) in ops {
            self.op(*code, *operand);
        }
    }

    /// Compares: `test` is the operation without [`BPF_JMP`].
    pub(crate) fn branch(&mut self, test: u32, operand: u32, if_true: To, if_false: To) {
        self.drafts.push(Draft::Branch { code: BPF_JMP | test, operand, if_true, if_false });
    }

    /// Goes on at a label, however far away it is.
    pub(crate) fn jump(&mut self, label: Label) {
        self.drafts.push(Draft::Jump(label));
    }

    /// Ends the program.
    pub(crate) fn end(&mut self, verdict: u32) {
        self.op(BPF_RET | BPF_K, verdict);
    }

    /// Ends the program where a comparison is true.
    pub(crate) fn end_if(&mut self, test: u32, operand: u32, verdict: u32) {
        let other = self.label();
        self.branch(test, operand, To::Next, To::Place(other));
        self.end(verdict);
        self.place(other);
    }

    /// Ends the program where a comparison is false.
    pub(crate) fn end_unless(&mut self, test: u32, operand: u32, verdict: u32) {
        let other = self.label();
        self.branch(test, operand, To::Place(other), To::Next);
        self.end(verdict);
        self.place(other);
    }

    /// Counts the jumps.
    ///
    /// # Errors
    /// When one is longer than an instruction can say, or leads nowhere: an error of this program.
    pub(crate) fn finish(self) -> io::Result<Program> {
        let Self { drafts, places } = self;
        let distance = |at: usize, label: Label| {
            let place = places.get(label.0).copied().flatten();
            place.and_then(|place| place.checked_sub(at + 1))
        };
        let short = |at: usize, to: To| match to {
            To::Next => Some(0),
            To::Place(label) => distance(at, label).and_then(|far| u8::try_from(far).ok()),
        };
        let instruction = |(at, draft): (usize, &Draft)| match *draft {
            Draft::Plain { code, operand } => Some(instruction(code, operand, 0, 0)),
            Draft::Branch { code, operand, if_true, if_false } => {
                Some(instruction(code, operand, short(at, if_true)?, short(at, if_false)?))
            }
            Draft::Jump(label) => {
                let far = u32::try_from(distance(at, label)?).ok()?;
                Some(instruction(BPF_JMP | BPF_JA, far, 0, 0))
            }
        };
        let instructions: Option<Vec<Instruction>> =
            drafts.iter().enumerate().map(instruction).collect();
        instructions
            .map(Program)
            .ok_or_else(|| io::Error::other("a jump of a packet filter leads too far"))
    }
}

/// The operations are defined as `u32` and fit into the 16 bits that an instruction has for one.
fn instruction(code: u32, operand: u32, if_true: u8, if_false: u8) -> Instruction {
    Instruction { code: code as u16, if_true, if_false, operand }
}

#[cfg(test)]
mod tests {
    use libc::BPF_JEQ;

    use super::*;

    const EQUAL: u32 = BPF_JEQ | BPF_K;

    fn jumps(program: &Program) -> Vec<(u8, u8)> {
        program.0.iter().map(|i| (i.if_true, i.if_false)).collect()
    }

    #[test]
    fn jumps_are_counted_from_the_next_instruction() {
        let mut assembler = Assembler::default();
        let last = assembler.label();
        assembler.branch(EQUAL, 1, To::Place(last), To::Next);
        assembler.end_if(EQUAL, 2, PASS);
        assembler.end_unless(EQUAL, 3, PASS);
        assembler.place(last);
        assembler.end(DROP);
        let program = assembler.finish().unwrap();
        assert_eq!(jumps(&program), [(4, 0), (0, 1), (0, 0), (1, 0), (0, 0), (0, 0)]);
        assert_eq!(program.filters().len(), 6);
    }

    #[test]
    fn a_branch_that_leads_too_far_or_nowhere_is_an_error_and_a_jump_leads_any_way() {
        let mut assembler = Assembler::default();
        let (far, nowhere) = (assembler.label(), assembler.label());
        assembler.jump(far);
        assembler.ops(&[(BPF_RET | BPF_K, DROP); 256]);
        assembler.place(far);
        assembler.end(PASS);
        assert_eq!(assembler.finish().unwrap().0[0].operand, 256);

        let mut assembler = Assembler::default();
        let far = assembler.label();
        assembler.branch(EQUAL, 0, To::Next, To::Place(far));
        assembler.ops(&[(BPF_RET | BPF_K, DROP); 256]);
        assembler.place(far);
        assembler.end(PASS);
        assert!(assembler.finish().is_err());

        let mut assembler = Assembler::default();
        assembler.jump(nowhere);
        assert!(assembler.finish().is_err());
    }
}
