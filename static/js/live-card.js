// Before the stream: when the countdown is over the page looks again, each viewer at a moment of his own, so that a
// crowd does not ask at once.
const AGAIN_SECONDS = 15;

function lookAgain(seconds) {
  setTimeout(() => location.reload(), 1000 * (seconds + Math.random() * 10));
}

if (document.querySelector("[data-seconds-left]")) document.addEventListener("countdown:over", () => lookAgain(1));
else lookAgain(AGAIN_SECONDS);
