// <button data-locate> puts the device's place into the longitude, latitude and gps fields of its form, to about a
// hundred metres, and sends the form; with data-locate="fill" it only fills them in.
import { showToast } from "./toasts.js";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-locate]");
  if (!button) return;
  const { elements } = button.form;
  const refuse = () => {
    button.disabled = false;
    showToast(button.dataset.refused, "bad");
  };
  if (!navigator.geolocation) {
    refuse();
    return;
  }
  button.disabled = true;
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => {
      button.disabled = false;
      elements.longitude.value = coords.longitude.toFixed(3);
      elements.latitude.value = coords.latitude.toFixed(3);
      elements.gps.value = "1";
      if (button.dataset.locate !== "fill") button.form.requestSubmit();
    },
    refuse,
    { maximumAge: 60_000, timeout: 10_000 },
  );
});
// What is typed by hand is meant as it stands on the map.
document.addEventListener("input", (event) => {
  if (event.isTrusted && ["longitude", "latitude"].includes(event.target.name)) {
    const { gps } = event.target.form.elements;
    if (gps) gps.value = "";
  }
});
