// One doubtful label: its picture, the question, and answers by a click or a key.

import { closest, make, makeButton, makeImage } from "../../../widgets/js/elements.js";
import { isTyping } from "../../../widgets/js/keys.js";
import { component, View } from "../../../widgets/js/view.js";

/** @import { Call } from "../../../widgets/js/view.js" */

/** @typedef {"take" | "keep" | "label" | "skip" | "details"} AnswerKind */

/**
 * @typedef {object} SuspectData
 * @property {number} row
 * @property {string} src
 * @property {string} title Its path.
 * @property {string} label
 * @property {string | null} suggestion
 * @property {number} votes Neighbours with the suggested label.
 * @property {number} votes_given Neighbours with its own label.
 * @property {number} voters
 * @property {number} probability That the label is wrong.
 * @property {string[]} labels
 * @property {number} reviewed
 * @property {number} total
 * @property {string[]} following Addresses of the next pictures.
 */

/** @typedef {{ answer: { kind: AnswerKind, row: number, label?: string } }} SuspectEvents */

/** @type {[AnswerKind, key: string, name: string][]} */
const ANSWERS = [
  ["take", "Enter", "Take"],
  ["keep", "K", "Keep"],
  ["label", "L", "Another label"],
  ["skip", "S", "Skip"],
  ["details", "D", "Details"],
];

/** @extends {View<SuspectData, SuspectEvents>} */
class SuspectCard extends View {
  /** @param {Call<SuspectData>} call */
  constructor(call) {
    super(call, "suspect");
    this.progress = make("progress");
    this.progress.setAttribute("aria-label", "Reviewed labels");
    this.count = make("span", "count");
    this.image = makeImage("", "");
    this.path = make("div", "path");
    this.question = make("p", "question");
    this.question.setAttribute("aria-live", "polite");
    /** @type {Map<AnswerKind, HTMLButtonElement>} */
    this.buttons = new Map();
    this.input = make("input");
    this.options = make("datalist");
    this.form = make("form", "other");
    this.assemble();
    this.on(this.root, "click", (event) => this.clicked(event));
    this.on(this.form, "submit", (event) => this.typed(event));
    this.onKeys(this.form, (event) => event.key === "Escape" && this.open(false));
    this.on(document, "keydown", (event) => this.pressed(event));
  }

  assemble() {
    const head = make("div", "head");
    head.append(this.progress, this.count);
    const answers = make("div", "answers");
    for (const [kind, key] of ANSWERS) {
      const button = makeButton(kind === "take" ? "answer main" : "answer");
      button.dataset.kind = kind;
      button.setAttribute("aria-keyshortcuts", key);
      button.append(make("span"), make("kbd", "", key));
      this.buttons.set(kind, button);
      answers.append(button);
    }
    this.options.id = "labels";
    this.input.setAttribute("list", "labels");
    this.input.setAttribute("aria-label", "Another label");
    this.input.placeholder = "Type a label";
    this.input.autocomplete = "off";
    const done = make("button", "answer main", "Label");
    this.form.append(this.input, this.options, done);
    this.form.hidden = true;
    this.root.append(head, this.image, this.path, this.question, answers, this.form);
  }

  /** @param {SuspectData | null} before */
  update(before) {
    const { src, title, label, suggestion, reviewed, total, following } = this.data;
    this.settle(this.root);
    if (before?.row !== this.data.row) {
      this.image.src = src;
      this.open(false);
    }
    this.image.alt = title;
    this.path.textContent = title;
    this.path.title = title;
    this.progress.max = total;
    this.progress.value = reviewed;
    this.count.textContent = `${reviewed} of ${total} reviewed`;
    this.question.replaceChildren(...asked(this.data));
    for (const [kind, , name] of ANSWERS) {
      const said = kind === "take" ? `Take ${suggestion}` : kind === "keep" ? `Keep ${label}` : name;
      const [text] = /** @type {HTMLButtonElement} */ (this.buttons.get(kind)).children;
      if (text) text.textContent = said;
    }
    /** @type {HTMLButtonElement} */ (this.buttons.get("take")).hidden = suggestion === null;
    if (String(before?.labels) !== String(this.data.labels)) {
      this.options.replaceChildren(...this.data.labels.map((value) => Object.assign(make("option"), { value })));
    }
    for (const address of following) new Image().src = address;
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    const kind = closest(event, "button")?.dataset.kind;
    if (!kind) return;
    const byPointer = event.detail > 0;
    this.answer(/** @type {AnswerKind} */ (kind));
    if (byPointer && kind !== "label") this.drop(); // so that Enter means the suggestion again
  }

  /**
   * Answer by a key from anywhere on the page, but for those that something else on it would take.
   *
   * @param {KeyboardEvent} event
   */
  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
    if (event.defaultPrevented || isTyping()) return;
    if (document.querySelector('[role="dialog"]')) return;
    if (event.key === "Enter" && document.activeElement !== document.body) return; // of the button with the focus
    const meant = ANSWERS.find(([, key]) => key.toLowerCase() === event.key.toLowerCase());
    if (!meant || this.buttons.get(meant[0])?.hidden) return;
    event.preventDefault();
    this.answer(meant[0]);
  }

  /**
   * @param {AnswerKind} kind
   * @param {string} [label]
   */
  answer(kind, label) {
    if (kind === "label" && label === undefined) {
      this.open(true);
      return;
    }
    if (this.root.dataset.sent) return; // the next suspect is on its way
    const { row } = this.data;
    const value = label === undefined ? { kind, row } : { kind, row, label };
    if (kind === "details") this.trigger("answer", value);
    else this.insist(this.root, "answer", value); // it counts once: it names its suspect
  }

  /** @param {SubmitEvent} event */
  typed(event) {
    event.preventDefault();
    const label = this.input.value.trim();
    if (label) this.answer("label", label);
  }

  /**
   * Show or hide the field for another label.
   *
   * @param {boolean} open
   */
  open(open) {
    if (this.form.hidden === !open) return false;
    this.form.hidden = !open;
    this.input.value = "";
    if (open) {
      this.input.focus({ preventScroll: true });
      this.form.scrollIntoView({ block: "nearest" });
    } else this.drop();
    return true;
  }

  drop() {
    if (this.focused instanceof HTMLElement) this.focused.blur();
  }
}

/**
 * Ask the question: the label, what the neighbours are, and how sure that is.
 *
 * @param {SuspectData} data
 */
function asked({ label, suggestion, votes, votes_given, voters, probability }) {
  const chance = probability >= 0.01 ? `${Math.round(100 * probability)}%` : "under 1%";
  const first = make("strong", "", `${label}?`);
  if (suggestion === null) return [first, ` No other label fits better; wrong with ${chance}.`];
  const verb = votes_given === 1 ? "is" : "are";
  return [
    first,
    ` ${votes} of ${voters} neighbours are `,
    make("strong", "", suggestion),
    `, ${votes_given} ${verb} ${label}; wrong with ${chance}.`,
  ];
}

export default component(SuspectCard);
