// Three short tones, made on the spot; a browser that has not been touched yet stays silent.
let audio = null;

function tones(steps, kind) {
  try {
    audio ??= new AudioContext();
    if (audio.state === "suspended") audio.resume();
    let at = audio.currentTime;
    for (const [frequency, seconds] of steps) {
      const oscillator = audio.createOscillator();
      const gain = audio.createGain();
      oscillator.type = kind;
      oscillator.frequency.value = frequency;
      gain.gain.setValueAtTime(0.18, at);
      gain.gain.exponentialRampToValueAtTime(0.001, at + seconds);
      oscillator.connect(gain).connect(audio.destination);
      oscillator.start(at);
      oscillator.stop(at + seconds);
      at += seconds;
    }
  } catch {
    // No sound device: colour and words say it too.
  }
}

export const playTick = () => tones([[660, 0.06]], "sine");
export const playSuccess = () => tones([[784, 0.12], [1175, 0.22]], "sine");
export const playRefusal = () => tones([[220, 0.18], [165, 0.3]], "square");
