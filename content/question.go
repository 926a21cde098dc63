package content

// Question is what a student answers on the page. Type, Choices' ID and Body,
// MaxAttempts and Cost may be shown; nothing else may.
type Question struct {
	// Type is "choice" (one of), "choices" (any of), "text", "number" or
	// "order".
	Type string
	// Choices are to be chosen from or put in order; for "order" they stand in
	// the right one. Their IDs tell nothing of that.
	Choices []Choice
	// Answers are the right ones of "text" and "number", and wrong ones that
	// deserve words of their own.
	Answers []Answer
	// Tolerance is how far off a number may be, either way.
	Tolerance float64
	// Case tells upper and lower case apart in texts.
	Case bool
	// MaxAttempts is how often one may try; 0 is without bound.
	MaxAttempts int
	// Cost is taken off the question's points for each failed attempt.
	Cost float64
}

// Choice is one entry of a question's list.
type Choice struct {
	ID   string
	Body Body
	// Text is Body without its markup, for $ANSWER and for authors' answers.
	Text     []TextPart
	Right    bool
	Feedback Body // for one who has chosen it
}

// Answer is a right answer, or a foreseen wrong one.
type Answer struct {
	// Text is filled for each student; a regular expression (RE2) over the
	// whole answer where Pattern is set.
	Text     []TextPart
	Pattern  bool
	Right    bool
	Feedback Body
}

// Judgement is what an answer came to.
type Judgement struct {
	// Score is in [0,1]; 1 exactly when all is right.
	Score float64
	// Message is plain text for the student; it tells no right answer.
	Message string
	// Feedback belongs to what was chosen.
	Feedback []Body
}
