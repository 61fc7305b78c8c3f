// The page sends its requests to its own server. Its language is that of `?lang=`, or else the browser's.
const { searchParams } = new URL(location.href)
const known = [searchParams.get('lang'), ...navigator.languages].find((name) => /^(zh|en)\b/i.test(name))
const lang = /^zh/i.test(known) ? 'zh' : 'en'
document.documentElement.lang = lang === 'zh' ? 'zh-CN' : 'en'

const dark = matchMedia('(prefers-color-scheme: dark)')
const paint = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', paint)
paint()

SwaggerUIBundle({
  url: lang === 'zh' ? '/openapi.json?lang=zh' : '/openapi.json',
  dom_id: '#docs',
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  requestInterceptor: (request) => {
    request.headers['Accept-Language'] = lang
    return request
  },
})
