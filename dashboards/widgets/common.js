// What every component's script has in front of its own: a view that outlives reruns, makers of elements, a bound.

// The function that Streamlit calls again for every new `data`; `create(parent)` is called once per place on the page and
// gives an object with `turn`, a count that `show(data, trigger)` raises and returns, and `close()`.
function viewOnce(create) {
  const views = new WeakMap(); // shadow root -> view
  return ({ data, parentElement, setTriggerValue }) => {
    if (!views.has(parentElement)) views.set(parentElement, create(parentElement));
    const view = views.get(parentElement);
    const turn = view.show(data, setTriggerValue);
    return () => {
      if (view.turn !== turn) return; // an earlier call's cleanup, run late: a newer call is showing
      view.close();
      views.delete(parentElement);
    };
  };
}

const limit = (value, low, high) => Math.min(Math.max(value, low), high);

function make(tag, className = "", text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

// A sign of one line, 24 units wide and high.
function drawing(path) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(space, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}
