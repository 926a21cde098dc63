// The bell when it is one's turn in the queue: the title changes, and there is
// a sound where the browser allows one, that is after a click or key.
let audio: AudioContext | null = null

// allowSound is to be called while a click is handled.
export function allowSound(): void {
  audio ??= new AudioContext()
  void audio.resume()
}

// ring sounds twice, and puts a bell before the title until the page is looked at.
export function ring(): void {
  const title = document.title
  document.title = `🔔 ${title}`
  const back = () => {
    document.title = title
  }
  if (document.hidden) document.addEventListener('visibilitychange', back, { once: true })
  else setTimeout(back, 10_000)
  if (audio?.state !== 'running') return
  for (const [i, pitch] of [880, 1175].entries()) {
    const tone = new OscillatorNode(audio, { frequency: pitch })
    const level = new GainNode(audio, { gain: 0.1 })
    tone.connect(level).connect(audio.destination)
    tone.start(audio.currentTime + i * 0.3)
    tone.stop(audio.currentTime + i * 0.3 + 0.25)
  }
}
